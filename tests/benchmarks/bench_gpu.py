"""Throughput on a GPU at the size of Qwen2-Audio-7B, random weights in bfloat16: `python tests/benchmarks/bench_gpu.py [--tiny]`.

Items of some eight seconds, made of embedded ones; both modalities, all metrics, both nulls. Beside it, in the same run: a loop over single
items with transformers alone, the forwards alone, and the floor that arithmetic sets.
"""

from __future__ import annotations

import argparse
import cProfile
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from bench_fused import Timed, bare, fused, items_of
from torch.utils.flop_counter import FlopCounterMode

from lsgap_bench.batch_size import fitting
from lsgap_bench.checks import batch_difference
from lsgap_bench.memory import forget_peak, give_back, peak_bytes
from lsgap_bench.metrics import functional
from lsgap_bench.models import placement, windows
from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.observe import Observer, Plan
from lsgap_bench.registry import REPRESENTATION, metrics
from lsgap_bench.schema import Condition, Generation, Item
from lsgap_bench.speech.clips import clip_from_bytes, decode, encode
from lsgap_bench.store import Store

sys.path.insert(0, str(Path(__file__).parents[1]))
import tiny_models

JOINED = 2  # embedded questions in an item
BOTH = (Condition.parse("text"), Condition.parse("speech"))
EDITED = Condition.parse("speech+angle_projection:bottom3@0")
ALL = tuple(name for name in metrics if metrics[name].needs in REPRESENTATION)
SIZES = {
    False: {"hidden": 4096, "inner": 11008, "layers": 32, "heads": 32, "width": 1280, "ears": 32, "vocabulary": 156_032},
    True: {"hidden": 64, "inner": 128, "layers": 3, "heads": 4, "width": 32, "ears": 2, "vocabulary": 1_000},
}


def build(folder: Path, tiny: bool, device: str) -> None:
    """The architecture of Qwen2-Audio with random weights; its tokenizer knows the bytes and a few words."""
    size, words = SIZES[tiny], tiny_models.tokenizer(**tiny_models.AUDIO_TOKENS)
    config = transformers.Qwen2AudioConfig(
        audio_config={
            "num_mel_bins": 128,
            "d_model": size["width"],
            "encoder_layers": size["ears"],
            "encoder_ffn_dim": 4 * size["width"],
            "encoder_attention_heads": max(size["width"] // 64, 1),
        },
        text_config={
            "model_type": "qwen2",
            "vocab_size": size["vocabulary"],
            "hidden_size": size["hidden"],
            "intermediate_size": size["inner"],
            "num_hidden_layers": size["layers"],
            "num_attention_heads": size["heads"],
            "num_key_value_heads": size["heads"],
            "max_position_embeddings": 8192,
            "tie_word_embeddings": False,
        },
        audio_token_index=words.audio_token_id,
    )
    torch.set_default_dtype(torch.bfloat16)
    with torch.device(device):
        model = transformers.Qwen2AudioForConditionalGeneration(config)
    torch.set_default_dtype(torch.float32)
    template = tiny_models.TEMPLATE.replace("WRAPPER", "Audio 1: <|audio_bos|><|AUDIO|><|audio_eos|>\n")
    processor = transformers.Qwen2AudioProcessor(transformers.WhisperFeatureExtractor(feature_size=128), words, chat_template=template)
    processor.save_pretrained(folder)
    tiny_models._save(model, words, folder)


def made(number: int, seed: int = 0) -> list[Item]:
    """Items of JOINED embedded questions of one task each, with the options of the first."""
    draw, pool = random.Random(seed), [item for item in items_of(["lsgap_mini"]) if item.options]
    tasks = {item.task: [other for other in pool if other.task == item.task] for item in pool}
    made = []
    for k in range(number):
        parts = draw.sample(tasks[draw.choice(sorted(tasks))], JOINED)
        encoded = encode(np.concatenate([decode(part.clip, 16_000) for part in parts]), 16_000, "wav")
        clip = clip_from_bytes(partial(bytes, encoded), f"made {k}")
        made.append(replace(parts[0], id=f"made/{k}", text=" ".join(p.text for p in parts), clip=clip, cluster=str(k), words=()))
    return made


def seconds(work: Callable[[], Any], repeats: int = 1) -> float:
    """Median seconds of some work, the device's included."""
    taken = []
    for _ in range(repeats):
        _wait()
        start = time.perf_counter()
        work()
        _wait()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def observed(lm: HFSpeech, items: Sequence[Item], size: int, names: Sequence[str], *more: Condition) -> float:
    """Items per second of a whole pass, planning left out."""
    observer = Observer(items, lm, Plan((*BOTH, *more), tuple(names), size))
    forget_peak(lm.device)
    return len(items) / seconds(lambda: observer.observe(Store()))


def alone(lm: HFSpeech, items: Sequence[Item]) -> None:
    """What a script does with transformers: single items, all hidden states kept, the paper's metrics of each layer, no null."""
    for item in items:
        states, masks = [], []
        for content in (decode(item.clip, 16_000), item.text):
            encoded = lm.prompter.encode([content], [None])
            features = {k: v.to(lm.device, torch.bfloat16 if v.is_floating_point() else None) for k, v in encoded.features.items()}
            with torch.no_grad():
                output = lm.model(**features, output_hidden_states=True)
            written = encoded.written[0]
            inside = features["input_ids"][0] == lm.audio_token_id
            if written is not None:
                inside[written.start : written.end] = True
            states.append([hidden[:, inside] for hidden in output.hidden_states])
            masks.append(output.logits[:, -1].float().argmax())
        for speech, text in zip(*states, strict=True):
            one, other = speech.float(), text.float()
            paths = [functional.alignment_path(one, other, similarity=kind) for kind in ("cosine", "euclidean")]  # type: ignore[arg-type]
            values = [path.scores.mean(1) for path in paths]
            values += [functional.path_monotonicity(path.positions) for path in paths]
            values += [functional.pooled_cosine(one, other), functional.pooled_euclidean(one, other)]
            values.append(functional.path_consistency(paths[0].positions, paths[1].positions))
            torch.stack(values).cpu()


def flops(lm: HFSpeech, items: Sequence[Item]) -> float:
    """Floating-point operations of an item's two forwards, without any padding; mean."""
    with FlopCounterMode(display=False) as counter:
        for item in items:
            for content in (item.text, decode(item.clip, 16_000)):
                lm.prefill(lm.encode([content], [None]))
    return counter.get_total_flops() / len(items)


def ceiling(device: torch.device, side: int) -> float:
    """Operations per second of a large bfloat16 matrix product on random data."""
    one, other = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    seconds(lambda: one @ other, 3)
    return 2 * side**3 / seconds(lambda: one @ other, 10)


def show_window(lm: HFSpeech, items: Sequence[Item]) -> None:
    """The audio tower on the clips alone and on the whole window."""
    tower = lm.model.model.audio_tower
    for length in (3.0, 8.0):
        waves = [np.resize(decode(item.clip, 16_000), round(length * 16_000)) for item in items[:16]]
        features = lm.prompter.encode(waves, [None] * len(waves)).features
        taken = []
        for cut in (True, False):
            mels = (windows.crop(dict(features)) if cut else features)["input_features"].to(lm.device, lm.model.dtype)
            with torch.no_grad(), windows.window(tower, mels.shape[-1]) if cut else nullcontext():
                tower(mels)
                taken.append(seconds(lambda mels=mels: tower(mels), 5))
        shown = f"whole window {taken[1] / taken[0]:.1f} times the shortened one ({taken[0] * 1e3:.1f} ms)"
        print(f"audio tower, clips of {length:g} s: {shown}")


def show_answers(lm: HFSpeech, items: Sequence[Item]) -> None:
    """Four options from the shared prefix against four full forwards; free answers of a batch against one."""
    waves = [decode(item.clip, 16_000) for item in items]
    batch = lm.encode(waves, [None] * len(waves))
    options = [[[301 + k, 302, 303 + k, 304] for k in range(4)]] * len(items)
    whole = seconds(lambda: lm.prefill(batch), 3)
    shared = seconds(lambda: lm.score_options(lm.prefill(batch), options), 3)
    print(f"4 options of 4 tokens, batch {len(items)}: four forwards {4 * whole / shared:.1f} times the shared prefix ({shared:.2f} s)")
    wanted = [Generation(max_new_tokens=64)] * len(items)
    lm._end = frozenset()  # so that all go on to the end
    single = lm.encode(waves[:1], [None])
    one = seconds(lambda: lm.generate(lm.prefill(single), wanted[:1], [0]))
    many = seconds(lambda: lm.generate(lm.prefill(batch), wanted, [0] * len(items)))
    print(f"free answers of 64 tokens: alone {64 / one:.0f} tokens/s; batch {len(items)} {len(items) * one / many:.1f} times as fast")


def main() -> None:
    """Build, load, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tiny", action="store_true", help="a tiny model, to try this script on a CPU")
    parser.add_argument("--profile", action="store_true", help="show where the processor's time goes, and stop")
    parser.add_argument("--number", type=int, default=512)
    asked = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    items = made(asked.number)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        build(Path(folder), asked.tiny, device)
        give_back()
        lm = Timed.__new__(Timed)
        print(f"loading {seconds(lambda: HFSpeech.__init__(lm, folder, dtype='bfloat16', device=device)):.1f} s")
    plain = HFSpeech.__new__(HFSpeech)
    vars(plain).update(vars(lm))
    observed(plain, items[:32], 8, ALL, EDITED)  # warm
    if asked.profile:
        cProfile.runctx("observed(plain, items, 64, ALL)", globals(), {"plain": plain, "items": items}, sort="tottime")
    else:
        measure(lm, plain, items)


def measure(lm: Timed, plain: HFSpeech, items: Sequence[Item]) -> None:
    """All figures, most telling first."""
    name = torch.cuda.get_device_name() if lm.device.type == "cuda" else "CPU"
    length = statistics.mean(item.clip.seconds for item in items)
    print(f"{name}, torch {torch.__version__}, transformers {transformers.__version__}; {lm.info['parameters'] / 1e9:.2f} B parameters")
    print(f"{len(items)} items, clips of {length:.1f} s on average, {len(ALL)} metrics with both nulls")
    loop = 32 / seconds(lambda: alone(plain, items[:32]))
    rate = ceiling(lm.device, 8192 if lm.device.type == "cuda" else 512)
    operations = flops(plain, items[:16])
    floor = rate / operations
    print(f"matrix products {rate / 1e12:.0f} TFLOP/s; {operations / 1e12:.2f} TFLOP an item (text and speech): floor {floor:.1f} items/s")
    print(f"single items with transformers, the paper's metrics, no nulls: {loop:.2f} items/s")
    for size in (1, 8, 16, 32, 64, 128):
        try:
            found = observed(plain, items[: 64 if size == 1 else len(items)], size, ALL)
        except Exception as error:
            print(f"batch {size}: {type(error).__name__} {str(error)[:80]}")
            give_back()
            continue
        peak = peak_bytes(lm.device) / 2**30
        ratios = f"{found / loop:5.1f} times the loop, {found / floor:.0%} of the floor"
        print(f"batch {size:3}: {found:7.2f} items/s, {ratios}, peak {peak:.1f} GiB")
        give_back()
    fits = fitting(items, plain, Plan((*BOTH, EDITED), ALL, 32))
    print(f"auto: {fits} items per forward; peak {_peak(plain, items, fits):.1f} GiB with an intervention")
    edited = observed(plain, items, fits, ALL, EDITED)
    print(f"  answers alone {observed(plain, items, fits, ()):.2f} items/s; with one intervention {edited:.2f}")
    contents: list[list[Any]] = [[item.text for item in items[:4]], [decode(item.clip, 16_000) for item in items[:4]]]
    differences = [batch_difference(plain, some, [None] * 4) for some in contents]
    print(f"batch of 4 against single items, relative: text {differences[0]:.1e}, speech {differences[1]:.1e}")
    watch = fused(lm, items[:256], ALL)
    parts = ", ".join(f"{part} {taken:.2f} s" for part, taken in sorted(watch.seconds.items(), key=lambda kv: -kv[1]))
    print(f"whole pass of 256 items in batches of 32: {parts}; the same forwards alone {seconds(lambda: bare(lm)):.2f} s")
    show_window(plain, items)
    show_answers(plain, items[:32])
    placement.compiled(plain.model, "inductor")
    first = seconds(lambda: observed(plain, items[:64], 32, ALL))
    print(f"torch.compile: first 64 items {first:.0f} s, then {observed(plain, items, 32, ALL):.2f} items/s in batches of 32")


def _peak(lm: HFSpeech, items: Sequence[Item], size: int) -> float:
    observed(lm, items, size, ALL, EDITED)
    return peak_bytes(lm.device) / 2**30


if __name__ == "__main__":
    main()
