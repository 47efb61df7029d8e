"""The metric `next_token_kl`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.metrics import functional as F
from lsgap_bench.metrics.logit_pair import LogitPair
from lsgap_bench.registry import metric


@metric(
    "next_token_kl",
    needs="logits",
    unit="nats",
    higher_is_better=False,
    source="beyond the paper; the misalignment of SALAD (arXiv 2510.13632)",
    formula="KL(p_text || p_speech) of the distributions of the answer's first token",
    bounds="0 and up",
    null="the distribution after a partner's text against that after the own speech",
    pitfalls=(
        'Of the first answer token only: a model that always begins alike ("The", "A") has a small one whatever it hears, which the '
        "null shows."
    ),
)
def next_token_kl(logits: LogitPair) -> Tensor:
    """How far the next-token distribution after the speech is from that after the text. Returns (batch,)."""
    return F.kl_divergence(logits.text, logits.speech)
