"""The recognizer `faster-whisper`: Whisper models in CTranslate2's format, by the package of that name."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lsgap_bench.errors import UsageError, did_you_mean, first_line
from lsgap_bench.registry import recognizer
from lsgap_bench.speech.clips import Wave
from lsgap_bench.weights import folder_hash

_CONVERTED = "a folder that `ct2-transformers-converter --copy_files tokenizer.json preprocessor_config.json` wrote"


@recognizer("faster-whisper")
class FasterWhisper:
    """Whisper by CTranslate2 (extra `recognizers`), decoded greedily, without timestamps and without fallback to sampling.

    pretrained: a size such as small or large-v3, a hub id, or a folder that ct2-transformers-converter wrote, tokenizer.json included.
    revision: of the hub. device: cpu, cuda, cuda:1; default CUDA where there is one. compute_type: as CTranslate2 names them, such as int8
    or float16; default that of the weights. language: for multilingual models, such as en; without it they guess it clip by clip.
    beam_size: 1 is greedy. vad_filter: leave out what Silero's detector takes for no speech. cpu_threads: 0 leaves it to CTranslate2.
    """

    def __init__(
        self,
        pretrained: str,
        revision: str | None = None,
        device: str | None = None,
        compute_type: str = "default",
        language: str | None = None,
        beam_size: int = 1,
        vad_filter: bool = False,
        cpu_threads: int = 0,
    ) -> None:
        if not isinstance(beam_size, int) or beam_size < 1:
            raise UsageError(f"beam_size={beam_size} is no number of hypotheses; write 1 for greedy decoding, or more")
        package = _package()
        folder = _folder(package, str(pretrained), None if revision is None else str(revision))
        kind, _, index = (device or "auto").partition(":")
        try:
            self._model = package.WhisperModel(
                str(folder), device=kind, device_index=int(index or 0), compute_type=str(compute_type), cpu_threads=cpu_threads
            )
        except (RuntimeError, ValueError) as error:
            raise UsageError(
                f"--recognizer_args pretrained={pretrained},device={device or 'auto'},compute_type={compute_type}: faster-whisper cannot "
                f"load it ({first_line(error)}); give {_CONVERTED}, and a device and type that CTranslate2 has"
            ) from None
        self._check(str(pretrained), language)
        here = Path(pretrained).is_dir()
        self._decoding = {"language": language, "beam_size": beam_size, "vad_filter": vad_filter}
        self._description = {
            "name": folder.name if here else str(pretrained),
            "kind": "recognizer",
            "pretrained": folder.name if here else str(pretrained),
            "revision": revision if here else folder.name,  # the hub's cache names a snapshot after its commit
            "dtype": self._model.model.compute_type,
            "weights": folder_hash(folder),
            **{name: version(name) for name in ("faster-whisper", "ctranslate2")},
        }
        self.sampling_rate: int = self._model.feature_extractor.sampling_rate
        self.max_seconds: float | None = float(self._model.feature_extractor.chunk_length)

    @property
    def info(self) -> Mapping[str, Any]:
        """See `Recognizer.info`."""
        return {**self._description, "decoding": self._decoding}

    @property
    def fingerprint(self) -> str:
        """See `Recognizer.fingerprint`."""
        made_by = {k: v for k, v in self._description.items() if k not in ("name", "pretrained", "revision")}
        return f"faster-whisper {sorted(made_by.items())} {self._model.model.device} {sorted(self._decoding.items())}"

    def transcribe(self, waves: Sequence[Wave]) -> list[str]:
        """See `Recognizer.transcribe`."""
        return [self._transcript(wave) for wave in waves]

    def _transcript(self, wave: Wave) -> str:
        segments, _ = self._model.transcribe(
            wave, temperature=0.0, condition_on_previous_text=False, without_timestamps=True, **self._decoding
        )
        return "".join(segment.text for segment in segments).strip()

    def _check(self, pretrained: str, language: str | None) -> None:
        """UsageError for features of another size than the encoder takes, and for a language that the model does not know."""
        mels, bands = self._model.model.n_mels, len(self._model.feature_extractor.mel_filters)
        if mels != bands:
            raise UsageError(
                f"pretrained={pretrained} hears {mels} mel bands and would be given {bands}, for its preprocessor_config.json is missing; "
                f"give {_CONVERTED}"
            )
        known = self._model.supported_languages
        if language is not None and language not in known:
            raise UsageError(f"language={language} is not known to {pretrained}; {did_you_mean(str(language), known)}")


def _package() -> Any:
    """The package faster_whisper; UsageError where it is not installed."""
    try:
        return importlib.import_module("faster_whisper")
    except ImportError as error:
        raise UsageError(
            f"recognizer 'faster-whisper' needs the package faster-whisper ({first_line(error)}); "
            "run `pip install lsgap-bench[recognizers]`"
        ) from None


def _folder(package: Any, pretrained: str, revision: str | None) -> Path:
    """Where the model lies, after a download if it has to be. UsageError where it is not found or is not whole."""
    folder = Path(pretrained)
    if not folder.is_dir():
        try:
            folder = Path(package.download_model(pretrained, revision=revision))
        except (OSError, ValueError) as error:
            raise UsageError(
                f"pretrained={pretrained} is no folder and faster-whisper cannot get it from the hub ({first_line(error)}); give a size "
                f"such as small, a hub id such as Systran/faster-whisper-small, or {_CONVERTED}"
            ) from None
    if not (folder / "tokenizer.json").is_file():  # faster-whisper would take that of another model, from the hub
        raise UsageError(f"pretrained={pretrained} holds no tokenizer.json; give {_CONVERTED}")
    return folder
