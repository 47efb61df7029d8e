"""The recognizer `pocketsphinx`: a small English recognizer that brings its models along, by the package of that name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from lsgap_bench.errors import UsageError
from lsgap_bench.registry import recognizer
from lsgap_bench.speech.clips import Wave


@recognizer("pocketsphinx")
class PocketSphinx:
    """CMU PocketSphinx with its US English models (extra `recognizers`); 16,000 Hz, offline, without a GPU. Weak on synthetic voices.

    options: of the decoder, such as lw=6.5 (language weight) or beam=1e-48.
    """

    sampling_rate = 16_000
    max_seconds: float | None = None

    def __init__(self, **options: Any) -> None:
        """Load the models; UsageError where the package is not installed or knows no such option."""
        try:
            import pocketsphinx
        except ImportError:
            raise UsageError(
                "recognizer 'pocketsphinx' needs the package pocketsphinx; run `pip install lsgap-bench[recognizers]`"
            ) from None
        try:
            self._decoder = pocketsphinx.Decoder(samprate=float(self.sampling_rate), loglevel="FATAL", **options)
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            raise UsageError(f"--recognizer_args {options}: pocketsphinx refuses them ({error}); see its list of decoder options") from None
        self._options = options

    @property
    def info(self) -> Mapping[str, Any]:
        """See `Recognizer.info`."""
        return {"name": "pocketsphinx", "kind": "recognizer", "version": version("pocketsphinx"), "options": self._options}

    @property
    def fingerprint(self) -> str:
        """See `Recognizer.fingerprint`."""
        return f"pocketsphinx {version('pocketsphinx')} {sorted(self._options.items())}"

    def transcribe(self, waves: Sequence[Wave]) -> list[str]:
        """See `Recognizer.transcribe`."""
        return [self._transcript(wave) for wave in waves]

    def _transcript(self, wave: Wave) -> str:
        if not len(wave):
            return ""
        self._decoder.reinit_feat()  # forgets the cepstral mean of the clips before, so that their order does not matter
        self._decoder.start_utt()
        self._decoder.process_raw((np.clip(wave, -1, 1) * 32767).astype("<i2").tobytes(), False, True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return "" if found is None else str(found.hypstr)
