"""HFText against transformers' own prompts, logits and answers, on tiny language models with random weights."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import tiny_models
import torch
import transformers
from tiny_models import wave
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from lsgap_bench.checks import batch_difference
from lsgap_bench.errors import UsageError
from lsgap_bench.models.hf_text import HFText
from lsgap_bench.schema import Generation

TEXTS = ["which of these is larger , a whale or a mouse ?", "yes or no", ""]
# of the kind that text models have: a turn's content is a string
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tiny_models.text_only(tmp_path_factory.mktemp("text"))
    (made / "chat_template.jinja").write_text(TEMPLATE)
    return made


@pytest.fixture(scope="module")
def lm(folder: Path) -> HFText:
    return HFText(str(folder), device="cpu")


def alone(lm: HFText, text: str, system: str | None = None) -> Any:
    """transformers' own ids for one question."""
    turns = [{"role": "system", "content": system}] if system else []
    chosen = [*turns, {"role": "user", "content": text}]
    return lm.tokenizer.apply_chat_template(chosen, add_generation_prompt=True, return_tensors="pt")["input_ids"]


@pytest.mark.parametrize("system", [None, "you are a helpful assistant ."])
def test_a_batch_holds_transformers_own_prompts_and_gives_its_logits(lm: HFText, system: str | None) -> None:
    batch = lm.encode(TEXTS, [system] * 3)
    logits = lm.prefill(batch).last_logits
    for row, text in enumerate(TEXTS):
        ids = alone(lm, text, system)
        assert batch.inputs["input_ids"][row][batch.valid[row]].tolist() == ids[0].tolist()
        assert batch.prompts[row] == lm.tokenizer.decode(ids[0])
        with torch.no_grad():
            expected = lm.model(ids).logits[0, -1]
        assert torch.allclose(logits[row], expected, atol=1e-4)


def test_the_content_is_the_text_and_nothing_else(lm: HFText) -> None:
    batch = lm.encode(TEXTS, [None] * 3)
    for row, text in enumerate(TEXTS[:2]):
        content = batch.inputs["input_ids"][row][batch.content_index[row][batch.content_mask[row]]]
        assert lm.tokenizer.decode(content).strip() == text
    assert int(batch.content_mask[2].sum()) == 0


def test_a_batch_of_nothing_but_empty_texts_is_answered(lm: HFText) -> None:
    answers = lm.generate(lm.prefill(lm.encode(["", ""], [None, None])), [Generation(max_new_tokens=3)] * 2, [0, 0])
    assert answers[0] == answers[1]


def test_a_batch_gives_what_its_texts_give_alone(lm: HFText) -> None:
    assert batch_difference(lm, TEXTS, [None] * 3) <= 1e-4  # type: ignore[arg-type]


def test_a_free_answer_is_that_of_transformers_generate(lm: HFText) -> None:
    ids = alone(lm, TEXTS[0])
    out = lm.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=6, do_sample=False)
    expected = lm.tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True).strip()
    ours = lm.generate(lm.prefill(lm.encode(TEXTS, [None] * 3)), [Generation(max_new_tokens=6)] * 3, [0] * 3)
    assert ours[0] == expected


def test_a_waveform_is_refused_in_one_line(lm: HFText) -> None:
    with pytest.raises(UsageError, match=r"reads and does not hear; give it as --base"):
        lm.encode([wave(0.5)], [None])


def test_its_entry_in_a_record_says_that_it_is_a_base(lm: HFText) -> None:
    assert lm.info["kind"] == "base"
    assert lm.info["architecture"] == "Qwen2ForCausalLM"
    assert lm.info["parameters"] == sum(p.numel() for p in lm.model.parameters())


def test_the_fingerprint_follows_weights_and_template(lm: HFText, folder: Path, tmp_path: Path) -> None:
    assert HFText(str(folder), device="cpu").fingerprint == lm.fingerprint
    (tmp_path / "other.jinja").write_text(TEMPLATE.replace("assistant", "model"))
    assert HFText(str(folder), device="cpu", chat_template=str(tmp_path / "other.jinja")).fingerprint != lm.fingerprint


def test_the_declared_tokenizer_is_used_and_not_the_one_its_architecture_was_published_with(folder: Path, tmp_path: Path) -> None:
    # AutoTokenizer takes Qwen2's own class for every Qwen2, whose pre-tokenization makes nothing of a table of words
    made = Path(shutil.copytree(folder, tmp_path / "words"))
    table = Tokenizer(models.WordLevel({"<|unk|>": 0, "which": 1, "is": 2, "larger": 3, "<|im_end|>": 4}, unk_token="<|unk|>"))
    table.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(tokenizer_object=table, unk_token="<|unk|>", eos_token="<|im_end|>").save_pretrained(made)
    (made / "chat_template.jinja").write_text(TEMPLATE)
    assert HFText(str(made), device="cpu").token_ids("which is larger") == [1, 2, 3]


def test_a_tokenizer_that_begins_every_text_with_a_token_adds_none_to_its_chat_template(folder: Path, tmp_path: Path) -> None:
    made = Path(shutil.copytree(folder, tmp_path / "bos"))
    table = Tokenizer.from_file(str(made / "tokenizer.json"))
    table.post_processor = processors.TemplateProcessing("<|endoftext|> $A", special_tokens=[("<|endoftext|>", 0)])
    table.save(str(made / "tokenizer.json"))
    lm = HFText(str(made), device="cpu")
    assert lm.tokenizer("yes")["input_ids"][0] == 0
    batch = lm.encode(TEXTS[:2], [None] * 2)
    for row, text in enumerate(TEXTS[:2]):
        assert batch.inputs["input_ids"][row][batch.valid[row]].tolist() == alone(lm, text)[0].tolist()
        content = batch.inputs["input_ids"][row][batch.content_index[row][batch.content_mask[row]]]
        assert lm.tokenizer.decode(content).strip() == text


def test_an_architecture_with_other_names_for_its_parts_answers_too(tmp_path: Path) -> None:
    words = tiny_models.tokenizer()
    words.chat_template = TEMPLATE
    words.save_pretrained(tmp_path)
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=len(words), n_embd=32, n_layer=2, n_head=4, n_positions=256, eos_token_id=words.eos_token_id
    )
    transformers.GPT2LMHeadModel(config).eval().save_pretrained(tmp_path)
    lm = HFText(str(tmp_path), device="cpu")
    assert lm.num_layers == 2
    logits = lm.prefill(lm.encode(TEXTS[:2], [None] * 2)).last_logits
    with torch.no_grad():
        expected = lm.model(alone(lm, TEXTS[1])).logits[0, -1]
    assert torch.allclose(logits[1], expected, atol=1e-4)


def test_a_checkpoint_without_a_chat_template_and_one_that_is_no_language_model_are_refused(folder: Path, tmp_path: Path) -> None:
    silent = Path(shutil.copytree(folder, tmp_path / "silent"))
    (silent / "chat_template.jinja").unlink()
    with pytest.raises(UsageError, match=r"has no chat template; pass one with chat_template=FILE\.jinja"):
        HFText(str(silent), device="cpu")
    with pytest.raises(UsageError, match="cannot be loaded as a causal language model"):
        HFText(str(tiny_models.qwen2_audio(tmp_path / "ears")), device="cpu")
