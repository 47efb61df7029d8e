"""A judge and the votes it gives: prompts in, votes out, each asked for once and kept; what that costs is said before and after."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from lsgap_bench.cache_folder import cache_folder
from lsgap_bench.errors import UsageError
from lsgap_bench.judges import Judge, Question, Said
from lsgap_bench.registry import judges
from lsgap_bench.schema import Ask
from lsgap_bench.store import key_of
from lsgap_bench.systems import make
from lsgap_bench.usage import TOKENS, cost_in_words, cost_of, total
from lsgap_bench.vote_cache import VoteCache

logger = logging.getLogger(__name__)

VOTES = 3  # as in VoiceBench
TRIES = 2  # a reply that cannot be read is asked for once more
AGAIN = 1000  # seeds of second tries begin here, whatever the number of votes
CHARACTERS = 4  # of English to a token, about
REPLY = 3  # tokens, about


class Ballot(NamedTuple):
    """One vote on one prompt. number: from 0 on."""

    prompt: str
    number: int


@dataclass(frozen=True)
class Poll:
    """The votes on some prompts, and what they took.

    votes: prompt -> one vote per ballot, None where neither reply could be read. asked: the replies that were asked for now; kept: those
    that were there already. again: how many of all were a second try.
    """

    votes: Mapping[str, Sequence[Any]]
    asked: Sequence[Said]
    kept: Sequence[Said]
    again: int

    @property
    def unread(self) -> int:
        """Votes that could not be read."""
        return sum(vote is None for of in self.votes.values() for vote in of)


@dataclass(frozen=True)
class Panel:
    """A judge that votes several times on every prompt. name: of its plug-in."""

    name: str
    judge: Judge
    votes: int
    cache: VoteCache

    @property
    def identity(self) -> dict[str, Any]:
        """What decides a reply beside the prompt and the number of the vote."""
        return {"judge": self.name, "model": self.judge.model, "where": self.judge.where, "sampling": dict(self.judge.sampling)}

    def poll(self, asks: Iterable[Ask]) -> Poll:
        """The votes on all prompts; a prompt that several answers share is voted on once.

        UsageError where a reply cannot be had; those that came by then are kept.
        """
        by_prompt = {ask.prompt: ask for ask in asks}
        ballots = [Ballot(prompt, number) for prompt in by_prompt for number in range(self.votes)]
        votes: dict[Ballot, Any] = dict.fromkeys(ballots)
        asked: list[Said] = []
        kept: list[Said] = []
        again = 0
        for attempt in range(TRIES):
            waiting = [ballot for ballot in ballots if votes[ballot] is None]
            if not waiting:
                break
            again += len(waiting) if attempt else 0
            found = self._replies(waiting, attempt, asked, kept)
            votes.update({ballot: by_prompt[ballot.prompt].read(said.text) for ballot, said in found.items()})
        done = Poll({prompt: [votes[Ballot(prompt, k)] for k in range(self.votes)] for prompt in by_prompt}, asked, kept, again)
        if asked:
            _say(f"judge {self.judge.model}: {len(asked)} votes given, {_took(spent(asked, self.judge.prices))}")
        return done

    def entry(self, poll: Poll) -> dict[str, Any]:
        """What a record says of the judge and its votes. `asked`: what this run took; `all`: what all votes took when they came."""
        replies = [*poll.asked, *poll.kept]
        return {
            **self.identity,
            "votes": self.votes,
            "prompts": len(poll.votes),
            "kept": len(poll.kept),
            "asked_again": poll.again,
            "unread": poll.unread,
            "served_by": dict(Counter(str(said.usage["served_by"]) for said in replies if "served_by" in said.usage)),
            "asked": spent(poll.asked, self.judge.prices),
            "all": spent(replies, self.judge.prices),
        }

    def _replies(self, ballots: Sequence[Ballot], attempt: int, asked: list[Said], kept: list[Said]) -> dict[Ballot, Said]:
        """Ballot -> reply, from the cache or else from the judge; added to `kept` and `asked`."""
        keys = {key_of(**self.identity, prompt=prompt, vote=number, attempt=attempt): Ballot(prompt, number) for prompt, number in ballots}
        there = {key: said for key in keys if (said := self.cache.get(key)) is not None}
        kept += there.values()
        missing = sorted(keys.keys() - there.keys())  # hashes: in their order nothing tells which answer was spoken, or whose it is
        questions = [Question(keys[key].prompt, keys[key].number + attempt * AGAIN) for key in missing]
        self._announce(questions, len(there), attempt)
        with tqdm(total=len(questions), unit="vote", desc=f"judge {self.judge.model}", disable=None if questions else True) as bar:
            for place, said in self.judge.replies(questions) if questions else ():
                self.cache.put(missing[place], said)  # at once: it has been paid for
                there[missing[place]] = said
                asked.append(said)
                bar.update()
        return {keys[key]: said for key, said in there.items()}

    def _announce(self, questions: Sequence[Question], kept: int, attempt: int) -> None:
        counts = {"prompt_tokens": sum(len(q.prompt) // CHARACTERS for q in questions), "completion_tokens": REPLY * len(questions)}
        about = _priced(counts, self.judge.prices)
        what = "replies could not be read and are asked for again" if attempt else "votes to ask for"
        _say(f"judge {self.judge.model} at {self.judge.where}: {len(questions)} {what}, {kept} kept from before; about {_took(about)}")


def panel_of(name: str | None, arguments: Mapping[str, Any]) -> Panel | None:
    """The judge called `name` with the --judge_args; None where no judge is asked for. UsageError for what is wrong with either."""
    if name is None:
        if arguments:
            raise UsageError("judge_args are given, but no judge is asked for; add --judge chat")
        return None
    given = dict(arguments)
    votes, folder = given.pop("votes", VOTES), given.pop("cache", None)
    if isinstance(votes, bool) or not isinstance(votes, int) or votes < 1:
        raise UsageError(f"votes={votes} is no whole number from 1 on; correct it")
    judge: Judge = make(judges[name], given, "--judge_args", None, "judges")
    return Panel(name, judge, votes, VoteCache(cache_folder("votes") if folder is None else Path(str(folder))))


def spent(replies: Sequence[Said], prices: Mapping[str, float]) -> dict[str, Any]:
    """Votes, tokens and cost of replies; absent, with the reason, where a server did not tell."""
    counts = {name: total([said.usage.get(name) for said in replies]) for name in TOKENS[:2]}
    return {"votes": len(replies), **_priced(counts, prices)}


def _priced(counts: Mapping[str, int | None], prices: Mapping[str, float]) -> dict[str, Any]:
    cost, why = cost_of({**dict.fromkeys(TOKENS), **counts}, prices)
    return {**counts, "cost": {"value": cost, "unit": "USD", "prices": dict(prices), **({"why": why} if why else {})}}


def _took(used: Mapping[str, Any]) -> str:
    """Tokens and cost in words."""
    tokens = [used[name] for name in TOKENS[:2]]
    counted = "tokens not told" if None in tokens else f"{tokens[0]} tokens in, {tokens[1]} out"
    return f"{counted}, {cost_in_words(used['cost'])}"


def _say(line: str) -> None:
    """In the log, and on the terminal above the progress bars."""
    logger.info("%s", line)
    tqdm.write(line, file=sys.stderr)
