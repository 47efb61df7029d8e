"""Words to clips: each is made once, whatever happens to the cache, and none is charged for unawares."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lsgap_bench.cache_folder import Unwritable
from lsgap_bench.errors import UsageError
from lsgap_bench.registry import voices
from lsgap_bench.speech import synthesis
from lsgap_bench.speech.clips import decode
from lsgap_bench.speech.synthesis import Manner, Utterance, clip_of, made, missing, refuse_costs
from lsgap_bench.speech.voices import Speech


class Beeper:
    """An engine that counts: as many hundredths of a second as the text has letters. It refuses the word `never`."""

    parallel = True
    costs = False
    version = "1"

    def __init__(self) -> None:
        self.said: list[str] = []
        self.threads: set[int] = set()

    def synthesize(self, text: str, voice: str, *, speed: float = 1.0, pitch: float = 1.0, seed: int = 0) -> Speech:
        self.said.append(text)
        self.threads.add(threading.get_ident())
        if text == "never":
            raise UsageError("the beeper does not say 'never'")
        return Speech(np.full(round(80 * len(text) / speed), 0.25, np.float32), 8000)


@pytest.fixture
def beeper(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Beeper]:
    """The engine `beep`, and an empty cache."""
    monkeypatch.setenv("LSGAP_CACHE", str(tmp_path))
    engine = Beeper()
    assert "espeak" in voices
    monkeypatch.setitem(voices._found, "beep", lambda: engine)
    synthesis.engine_called.cache_clear()
    yield engine
    synthesis.engine_called.cache_clear()


@pytest.fixture
def manner(beeper: Beeper) -> Manner:
    return Manner("beep:low")


def sounds(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.flac"))


def test_a_clip_is_made_once_and_is_the_file_that_its_hash_names(beeper: Beeper, manner: Manner, tmp_path: Path) -> None:
    first, again = clip_of("ten letter", manner), clip_of("ten letter", manner)
    assert beeper.said == ["ten letter"]
    assert first == again
    (file,) = sounds(tmp_path)
    assert file.stem == first.sha256 == hashlib.sha256(first.read()).hexdigest()
    assert (first.seconds, first.sampling_rate) == (0.1, 8000)
    assert decode(first, 8000) == pytest.approx(0.25, abs=1e-4)


@pytest.mark.parametrize("change", [{"voice": "beep:high"}, {"speed": 2.0}, {"pitch": 1.5}, {"seed": 1}, {"version": "2"}, {"text": "hi"}])
def test_whatever_can_change_the_sound_makes_another_clip(beeper: Beeper, manner: Manner, change: dict[str, object]) -> None:
    clip_of("hello", manner)
    beeper.version = str(change.pop("version", "1"))
    text = str(change.pop("text", "hello"))
    fields = {"voice": "beep:low", "speed": 1.0, "pitch": 1.0, "seed": 0, **change}
    assert missing([Utterance(text, Manner(**fields))])  # type: ignore[arg-type]


def test_a_whole_number_is_the_same_speed_as_its_decimal(manner: Manner) -> None:
    assert Manner("beep:low", speed=1, pitch=1) == manner


@pytest.mark.parametrize("damage", [b"", b"fLaC but not whole"])
def test_a_damaged_clip_is_made_again(beeper: Beeper, manner: Manner, tmp_path: Path, damage: bytes) -> None:
    clip = clip_of("hello", manner)
    sounds(tmp_path)[0].write_bytes(damage)
    assert hashlib.sha256(clip.read()).hexdigest() == clip.sha256
    assert beeper.said == ["hello", "hello"]


def test_a_clip_that_is_gone_and_an_entry_that_is_damaged_are_made_again(beeper: Beeper, manner: Manner, tmp_path: Path) -> None:
    clip = clip_of("hello", manner)
    sounds(tmp_path)[0].unlink()
    assert len(clip.read()) > 0
    (entry,) = tmp_path.rglob("*.json")
    entry.write_bytes(b'{"sha256": "')
    assert clip_of("hello", manner) == clip
    assert beeper.said == ["hello"] * 3


def test_many_clips_are_made_side_by_side_and_the_errors_of_single_ones_are_handed_out(beeper: Beeper, manner: Manner) -> None:
    wanted = [Utterance(text, manner) for text in ("one", "never", "three")]
    results = dict(made(wanted, workers=2))
    assert results.keys() == set(wanted)
    assert {said.text: str(error) for said, error in results.items() if error} == {"never": "the beeper does not say 'never'"}
    assert missing([*wanted, *wanted]) == [wanted[1]]
    assert threading.get_ident() not in beeper.threads


def test_a_cache_that_cannot_be_written_is_no_fault_of_the_words(
    beeper: Beeper, manner: Manner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("LSGAP_CACHE", str(tmp_path / "taken"))
    with pytest.raises(Unwritable, match=r"taken/speech/clips/.. cannot be written"):
        list(made([Utterance("one", manner), Utterance("two", manner)]))


def test_an_engine_that_works_in_this_process_makes_one_clip_at_a_time(beeper: Beeper, manner: Manner) -> None:
    beeper.parallel = False
    list(made([Utterance("x" * k, manner) for k in range(1, 9)], workers=4))
    assert len(beeper.threads) == 1


def test_nobody_is_charged_unawares(beeper: Beeper, manner: Manner) -> None:
    kept = clip_of("kept", manner)
    beeper.costs = True
    with pytest.raises(
        UsageError, match="1 clip of the voice 'beep:low' would have to be made, which costs money; make them first: lsgap synth"
    ):
        clip_of("new", manner)
    refuse_costs(manner, 0)
    assert clip_of("kept", manner) == kept
    assert clip_of("new", manner, pay=True).seconds == pytest.approx(0.03)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"voice": "espaek:en-us"}, "no voice engine is called 'espaek'; did you mean 'espeak'"),
        ({"voice": "en-us"}, "voice 'en-us' is no ENGINE:VOICE; write for example espeak:en-us"),
        ({"speed": 0}, "speed 0 is no multiple"),
        ({"pitch": "high"}, "pitch 'high' is no multiple"),
        ({"speed": float("nan")}, "speed nan is no multiple"),
        ({"seed": -1}, "seed -1 is no seed"),
        ({"seed": True}, "seed True is no seed"),
    ],
)
def test_a_manner_that_makes_no_sense_is_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Manner(**fields)  # type: ignore[arg-type]


def test_a_kill_in_the_middle_leaves_whole_clips_only_and_the_next_process_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("espeakng_loader")
    monkeypatch.setenv("LSGAP_CACHE", str(tmp_path))
    code = (
        "from lsgap_bench.registry import voices\n"
        "import lsgap_bench.speech.espeak\n"
        "voices._waiting = []  # the other engines bring libraries that take seconds\n"
        "from lsgap_bench.speech.synthesis import *\n"
        "for said, error in made([Utterance(f'word number {k}', Manner()) for k in range(500)], 2): print(said.text, flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        finished = [process.stdout.readline().strip() for _ in range(3)]
        process.send_signal(signal.SIGKILL)
    assert all(len(text.split()) == 3 for text in finished)
    assert missing([Utterance(text, Manner()) for text in finished]) == []
    for file in sounds(tmp_path):
        assert hashlib.sha256(file.read_bytes()).hexdigest() == file.stem
