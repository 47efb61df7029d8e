"""A word that the tokenizer loses is a word the written side lacks: the item is refused, or left out and counted."""

from __future__ import annotations

import dataclasses

import pytest
from demo_run import items, model

from lsgap_bench.errors import UsageError
from lsgap_bench.reading import with_known_words
from lsgap_bench.run import evaluate
from lsgap_bench.schema import Item


def changed(**what: object) -> list[Item]:
    """Two items, the first of which is changed."""
    first, second = items(2)[:2]
    return [dataclasses.replace(first, **what), second]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("item", "part"),
    [
        (changed(text="what is the opposite of flibbertigibbet ?"), "the text"),
        (changed(options=("cold", "flibbertigibbet")), "the options"),
        (changed(system="answer like a flibbertigibbet"), "the system turn"),
    ],
)
def test_a_lost_word_is_named_with_its_item_and_the_remedy(item: list[Item], part: str) -> None:
    with pytest.raises(UsageError, match="--skip_bad_items") as caught:
        with_known_words(item, model(), skip_bad_items=False)
    assert item[0].id in str(caught.value)
    assert f"'flibbertigibbet' in {part}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_item_with_a_lost_word_can_be_left_out() -> None:
    both = changed(text="flibber gibber and flibber")
    legible = with_known_words(both, model(), skip_bad_items=True)
    assert list(legible.items) == both[1:]
    assert len(legible.bad) == 1
    assert legible.bad[0].count("'flibber'") == 1


def test_many_lost_words_are_counted_and_not_listed() -> None:
    words = " ".join(f"zzq{k}zz" for k in range(9))
    with pytest.raises(UsageError, match=r"and \d+ more in the text"):
        with_known_words(changed(text=words), model(), skip_bad_items=False)


def test_the_shipped_items_are_all_legible_to_the_embedded_model() -> None:
    assert list(with_known_words(items(), model(), skip_bad_items=False).items) == list(items())


def test_a_run_counts_what_it_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    known = type(model()).unknown_words
    asked = items(1)[0].text

    def forgetful(self: object, text: str) -> list[str]:
        return ["word"] if text == asked else known(self, text)  # type: ignore[arg-type]

    monkeypatch.setattr(type(model()), "unknown_words", forgetful)
    wanted = {"tasks": ["lsgap_mini_opposites"], "conditions": ["text"], "metrics": [], "limit": 4, "device": "cpu"}
    with pytest.raises(UsageError, match="no token for 'word' in the text"):
        evaluate(**wanted)
    left = sum(1 for item in items(4, ("lsgap_mini_opposites",)) if item.text == asked)
    found = evaluate(**wanted, skip_bad_items=True)
    assert found.record.checks["skipped_items"] == left > 0
    assert found.record.tasks["lsgap_mini_opposites"].n == 4 - left
