"""`--update-expected` writes what is said now instead of comparing: read the difference before you commit."""

from __future__ import annotations


def pytest_addoption(parser):
    parser.addoption(
        "--update-expected", action="store_true", help="rewrite tests/diagnostics/cases/*/expected"
    )
