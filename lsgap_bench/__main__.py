"""`python -m lsgap_bench` is `lsgap`."""

from lsgap_bench.cli import main

raise SystemExit(main())
