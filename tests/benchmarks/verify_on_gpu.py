"""Every architecture of the tests through all guards of `lsgap verify` on a GPU: `python tests/benchmarks/verify_on_gpu.py`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.verification import embedded_items, verify

TESTS = Path(__file__).parents[1]


def main() -> None:
    """One line per architecture and dtype."""
    sys.path.insert(0, str(TESTS))
    sys.path.append(str(TESTS / "stand_ins"))
    import tiny_models
    from tiny_architectures import BUILDERS, blind

    builders = {"qwen2_audio": tiny_models.qwen2_audio, "qwen2_5_omni": tiny_models.qwen2_5_omni, **BUILDERS}
    for name, build in builders.items():
        with tempfile.TemporaryDirectory() as folder:
            try:
                with blind():
                    build(Path(folder))
                for dtype in ("float32", "bfloat16"):
                    with blind():
                        lm = HFSpeech(folder, device="cuda", dtype=dtype)
                    found = verify(lm, embedded_items(lm))
                    failed = [f"{finding.name}: {finding.figure}" for finding in found if finding.passed is False]
                    batch = next(finding.figure for finding in found if finding.name == "batch = one by one")
                    print(f"{name:18} {dtype:9} {batch}; {failed or 'all guards passed'}", flush=True)
            except Exception as error:
                print(f"{name:18} not tried: {type(error).__name__}: {str(error)[:150]}", flush=True)


if __name__ == "__main__":
    main()
