"""Which words a tokenizer loses, on tokenizers made here: of whole words, of bytes, and without an unknown token."""

from __future__ import annotations

from typing import Any

import tiny_models
import transformers
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from lsgap_bench.models.vocabulary import unknown_words


def of_words(unknown: str | None = "<unk>") -> Any:
    """A tokenizer that knows four words and the full stop."""
    vocabulary = {"<unk>": 0, "the": 1, "cat": 2, "sat": 3, "down": 4, ".": 5}
    whole = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    whole.normalizer = normalizers.Lowercase()
    whole.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace()])
    return transformers.PreTrainedTokenizerFast(tokenizer_object=whole, unk_token=unknown)


def test_words_that_become_the_unknown_token_are_found_in_order_and_as_they_are_written() -> None:
    assert unknown_words(of_words(), "The dog sat, the Dog sat.  Éclairs sat.") == ["dog", "sat,", "Dog", "Éclairs"]


def test_known_words_and_no_words_lose_nothing() -> None:
    assert unknown_words(of_words(), "the cat sat down.") == unknown_words(of_words(), "") == []


def test_digits_and_signs_that_a_tokenizer_drops_are_lost_and_punctuation_is_not() -> None:
    letters_only = of_words()
    only = [normalizers.Lowercase(), normalizers.Replace(Regex("[^a-z ]"), " ")]
    letters_only.backend_tokenizer.normalizer = normalizers.Sequence(only)
    assert unknown_words(letters_only, "The 2 cats' cat + 3, sat - down 5!") == ["2", "cats'", "+", "3,", "5!"]


def test_a_tokenizer_without_an_unknown_token_never_loses_a_word() -> None:
    assert unknown_words(of_words(unknown=None), "the dog") == []


def test_a_tokenizer_that_spells_in_bytes_never_loses_a_word() -> None:
    in_bytes = tiny_models.tokenizer()
    in_bytes.unk_token = in_bytes.pad_token
    assert unknown_words(in_bytes, "Ünheard-of wörds 犬 \U0001f600") == []
