"""What lm-eval and the libraries below it fail with on a task that is broken, and how it is told in one line."""

from __future__ import annotations

import datasets
import jinja2

from lsgap_bench.errors import first_line

BROKEN = (ImportError, AttributeError, TypeError, LookupError, ValueError, SyntaxError, OSError, RecursionError, jinja2.TemplateError)


def reason_of(error: BaseException) -> str:
    """The first line of what lies behind an error: datasets wraps the reason in general words."""
    return first_line(error.__cause__ if isinstance(error, datasets.exceptions.DatasetsError) and error.__cause__ else error)
