"""The page's example adapter beside the same parts run by `whisper-llm`; adapters that only answer; files that cannot be used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import tiny_whisper_llm
import torch
from safetensors.torch import load_file, save_file
from tiny_models import wave

from lsgap_bench.checks import batch_difference
from lsgap_bench.errors import UsageError
from lsgap_bench.models.custom import CustomStates, custom
from lsgap_bench.models.whisper_llm.adapter import WhisperLLM
from lsgap_bench.run import evaluate
from lsgap_bench.schema import Generation

PAGE = Path(__file__).parents[2] / "docs" / "own_model.md"
TEXTS = ["which of these is larger , a whale or a mouse ?", "yes or no"]
WAVES = [wave(2.0, 1), wave(1.3, 2)]  # whole tenths of a second: the example drops what does not fill a stack, the recipe pads it


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("parts")
    tiny_whisper_llm.encoder(folder / "whisper", seconds=12)
    tiny_whisper_llm.language_model(folder / "reader")
    save_file(tiny_whisper_llm.projector_weights(), folder / "projector.safetensors")
    text = re.search(r"title=my_adapter.py\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert text is not None
    (folder / "my_adapter.py").write_text(text[1], encoding="utf-8")
    named = {"encoder": "whisper", "language_model": "reader", "projector": "projector.safetensors"}
    return {"path": str(folder / "my_adapter.py"), **{key: str(folder / value) for key, value in named.items()}}


@pytest.fixture(scope="module")
def example(parts: dict[str, str]) -> CustomStates:
    found: CustomStates = custom(**parts, device="cpu")
    return found


@pytest.fixture(scope="module")
def recipe(parts: dict[str, str]) -> WhisperLLM:
    return WhisperLLM(**{key: value for key, value in parts.items() if key != "path"}, device="cpu")


def adapter(tmp_path: Path, text: str) -> str:
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    return str(tmp_path / "mine.py")


@pytest.mark.parametrize("contents", [TEXTS, WAVES], ids=["text", "speech"])
def test_the_example_gives_the_states_options_and_answers_of_the_recipe(
    example: CustomStates, recipe: WhisperLLM, contents: list[Any]
) -> None:
    seen: list[list[torch.Tensor]] = []
    for lm in (example, recipe):
        batch, states = lm.encode(contents, ["be brief", None]), []
        filled = lm.prefill(batch, lambda layer, hidden, b=batch, s=states: s.append(b.content(hidden)[b.content_mask]))  # type: ignore[misc]
        seen.append([*states, filled.last_logits])
    assert len(seen[0]) == len(seen[1]) == recipe.num_layers + 2
    assert all(torch.allclose(one, other, atol=1e-4) for one, other in zip(*seen, strict=True))
    options, wanted = [[[61], [62, 63, 64]]] * 2, [Generation(max_new_tokens=5)] * 2
    scores = [lm.score_options(lm.prefill(lm.encode(contents, [None] * 2)), options) for lm in (example, recipe)]
    for one, other in zip(*scores, strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-3)
    assert len({tuple(lm.generate(lm.prefill(lm.encode(contents, [None] * 2)), wanted, [0, 0])) for lm in (example, recipe)}) == 1


def test_a_batch_of_mixed_lengths_gives_what_its_items_give_alone(example: CustomStates) -> None:
    for contents in (TEXTS, WAVES):
        assert batch_difference(example, contents, ["be brief", None]) <= 1e-4


def test_a_clip_takes_ten_positions_a_second(example: CustomStates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example, "max_seconds", 12.0)  # the tiny encoder's window
    assert [example.expected_tokens(seconds) for seconds in (1.0, 7.0)] == [10, 70]


def test_the_fingerprint_follows_the_weights_and_the_file(parts: dict[str, str], example: CustomStates, tmp_path: Path) -> None:
    assert custom(**parts, device="cpu").fingerprint == example.fingerprint
    trained = tmp_path / "projector.safetensors"  # of the same name
    save_file({key: value + 1e-3 for key, value in load_file(parts["projector"]).items()}, trained)
    text = Path(parts["path"]).read_text(encoding="utf-8")
    for other in ({"projector": str(trained)}, {"path": adapter(tmp_path, text + "# changed\n")}):
        assert custom(**{**parts, **other}, device="cpu").fingerprint != example.fingerprint


def test_a_system_turn_that_the_prompt_does_not_show_is_refused(example: CustomStates, monkeypatch: pytest.MonkeyPatch) -> None:
    example.check_system("be brief")
    whole = example._adapter.embed
    monkeypatch.setattr(example._adapter, "embed", lambda content, system: whole(content, None))
    with pytest.raises(UsageError, match="does not show the system turn 'be brief'"):
        example.check_system("be brief")


def test_embeddings_of_another_width_are_refused(example: CustomStates, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = example._adapter.embed

    def narrow(content: Any, system: str | None) -> Any:
        found = whole(content, system)
        return type(found)(found.embeddings[:, :-1], found.start, found.end, found.prompt)

    monkeypatch.setattr(example._adapter, "embed", narrow)
    with pytest.raises(UsageError, match=r"embed gave Embedded with embeddings \(\d+, \d+\); it must give Embedded"):
        example.encode(TEXTS, [None] * 2)


ECHO = """
class Adapter:
    sampling_rate = 16_000
    name = "echo"

    def answer(self, contents, systems, settings):
        return [content if isinstance(content, str) else "horse" for content in contents][: getattr(self, "most", None)]
"""


def test_an_adapter_that_only_answers_is_measured_with_dashes_for_the_rest(tmp_path: Path) -> None:
    record = evaluate(model="custom", model_args={"path": adapter(tmp_path, ECHO)}, tasks=["lsgap_mini_sizes"], limit=4).record
    task = record.tasks["lsgap_mini_sizes"]
    assert record.system["name"] == "echo"
    assert task.n == 4
    assert {measure.value.why for measure in task.representation.values()} != {None}


def test_fewer_answers_than_questions_are_refused(tmp_path: Path) -> None:
    lm = custom(adapter(tmp_path, ECHO + "    most = 1\n"))
    filled = lm.prefill(lm.encode(TEXTS, [None] * 2))
    with pytest.raises(UsageError, match="echo: answer gave 1 answers to 2 prompts; it must give one string for each"):
        lm.generate(filled, [Generation()] * 2, [0, 0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Adaptor = 1", "defines no class Adapter; docs/own_model.md shows one"),
        ("class Adapter:\n    sampling_rate = 1", "Adapter has no language_model, tokenizer, embed; it needs"),
        ("import nowhere_to_be_found", r"cannot be imported \(ModuleNotFoundError"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        custom(adapter(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.py is no Python file"):
        custom(str(tmp_path / "nowhere.py"))
