"""The recipe of the paper's own models: a Whisper encoder, stacked frames through two linear layers, any causal language model."""

from lsgap_bench.models.whisper_llm import adapter as adapter
