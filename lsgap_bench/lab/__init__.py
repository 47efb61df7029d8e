"""The laboratory: a closed world of questions, its speech, and the tiny speech language model that is tried on them."""
