"""The lab's models: weights that go from one into the other unchanged, and an encoder that is run short with the same result."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from lsgap_bench.errors import UsageError
from lsgap_bench.lab import architecture, tokens
from lsgap_bench.lab.architecture import SIZES, build_encoder, build_recognizer, build_speech_model, build_text_model, encode, size_called

NANO = SIZES["nano"]


@pytest.fixture(scope="module")
def encoder() -> architecture.Qwen2AudioEncoder:
    return build_encoder(0, width=32, layers=2).eval()


def clips(*samples: int) -> list[np.ndarray]:
    """Loud noise that ends in a silence, as speech does."""
    rng = np.random.default_rng(0)
    waves = [(0.1 * rng.standard_normal(count)).astype(np.float32) for count in samples]
    for wave in waves:
        wave[-800:] = 0
    return waves


def own_forward(encoder: architecture.Qwen2AudioEncoder, waves: list[np.ndarray]) -> tuple[list[Tensor], list[Tensor]]:
    """(features of each clip without padding, the audio tower's states of each) as transformers runs them, in the whole window."""
    model = build_speech_model(build_text_model(NANO, 0), encoder, 0).eval()
    text = ["<|user|><|audio_bos|><|AUDIO|><|audio_eos|><|answer|>"] * len(waves)
    given = tokens.build_processor()(text=text, audio=waves, sampling_rate=16_000, return_tensors="pt", padding=True)
    kept: list[Tensor] = []
    hook = model.model.audio_tower.register_forward_hook(lambda _, __, out: kept.append(out.last_hidden_state))
    with hook, torch.no_grad():
        model(**given)
    lengths = given["feature_attention_mask"].sum(1).tolist()
    counts = (given["input_ids"] == tokens.AUDIO).sum(1).tolist()
    mels = [features[:, :length].T for features, length in zip(given["input_features"], lengths, strict=True)]
    return mels, [states[:count] for states, count in zip(kept[0], counts, strict=True)]


@pytest.mark.parametrize("longest", [240 * 96, 240 * 97, 240 * 98, 240 * 99, 240 * 600])
def test_the_encoder_run_short_gives_the_states_of_its_own_forward(encoder: architecture.Qwen2AudioEncoder, longest: int):
    mels, wanted = own_forward(encoder, clips(240 * 41, 240 * 64 + 7, longest))
    assert len(mels[2]) == longest // 240
    with torch.no_grad():
        states, counts = encode(encoder, mels)
    assert counts.tolist() == [len(one) for one in wanted]
    for row, one in enumerate(wanted):
        torch.testing.assert_close(states[row, : len(one)], one, atol=1e-4, rtol=0)
    if longest < 240 * 600:
        assert states.shape[1] < 30  # not the window's 150


def test_a_clip_too_quiet_to_use_the_whole_range_is_encoded_the_same_too(encoder: architecture.Qwen2AudioEncoder):
    mels, (wanted,) = own_forward(encoder, [1e-4 * clips(240 * 96)[0]])
    assert mels[0].max() < 0.5  # less than two above the feature of no sound
    with torch.no_grad():
        states, _ = encode(encoder, mels)
    torch.testing.assert_close(states[0, : len(wanted)], wanted, atol=1e-4, rtol=0)


def test_a_clip_is_encoded_the_same_alone_and_beside_a_longer_one(encoder: architecture.Qwen2AudioEncoder):
    mels, _ = own_forward(encoder, clips(240 * 41, 240 * 90))
    with torch.no_grad():
        (both, counts), (alone, _) = encode(encoder, mels), encode(encoder, mels[:1])
    torch.testing.assert_close(both[0, : counts[0]], alone[0, : counts[0]], atol=1e-5, rtol=0)


def test_positions_are_whispers_sinusoids_at_a_fifth_of_their_height(encoder: architecture.Qwen2AudioEncoder):
    table = encoder.embed_positions.weight
    assert table.shape == (300, 32)
    assert torch.equal(table[0], torch.cat([torch.zeros(16), torch.full((16,), 0.2)]))
    assert table[7, 0].item() == pytest.approx(0.2 * np.sin(7))  # the fastest wave has one radian a step
    assert table[7, 31].item() == pytest.approx(0.2 * np.cos(7 / 10_000))  # the slowest a ten-thousandth


def test_the_speech_model_reads_exactly_as_the_text_model_it_was_made_of(encoder: architecture.Qwen2AudioEncoder):
    text = build_text_model(NANO, 1).eval()
    speech = build_speech_model(text, encoder, 2).eval()
    ids = torch.tensor([tokens.ids_of(["which", "day", "comes", "after", "monday"])])
    with torch.no_grad():
        assert torch.equal(speech(input_ids=ids).logits, text(input_ids=ids).logits)
    for name, weight in encoder.state_dict().items():
        assert torch.equal(speech.model.audio_tower.state_dict()[name], weight)
    ends = {tokens.EOS, tokens.ANSWER, tokens.TRANSCRIBE}
    assert set(speech.generation_config.eos_token_id) == set(text.generation_config.eos_token_id) == ends


def test_the_recognizer_hears_with_the_same_encoder_and_writes_the_worlds_words(encoder: architecture.Qwen2AudioEncoder):
    recognizer = build_recognizer(encoder, 0)
    for name, weight in encoder.state_dict().items():
        assert torch.equal(recognizer.model.encoder.state_dict()[name], weight)
    assert recognizer.config.vocab_size == len(tokens.word_ids())
    features = torch.zeros(1, 80, 600)
    written = recognizer.generate(input_features=features, max_new_tokens=4)
    assert tokens.build_tokenizer().batch_decode(written)


def test_the_same_seed_gives_the_same_weights_and_another_one_others():
    one, same, other = (build_text_model(NANO, seed).lm_head.weight for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_size_is_found_by_name_and_an_unknown_one_is_refused():
    assert size_called("micro") == architecture.Size(160, 4, 5)
    with pytest.raises(UsageError, match="the lab has no size 'mico'; did you mean 'micro'"):
        size_called("mico")
