"""Fuzzing of everything that is read from outside: ``python -m tests.fuzz`` says how.

Each target (``targets``) is a function of bytes that raises where a promise is broken: no crash, and no "paid" that an
oracle of its own (``raw_money``, and small ones beside the targets) does not see in the very same bytes. Three drivers
use them: Hypothesis and a fixed number of generated inputs in the tests, a coverage-guided fuzzer in the long tier and
for people. All of them change the documents in ``corpus`` by the grammar of ``mutation``.

This package imports nothing of the kiosk by itself: a fuzzer must load that its own way.
"""
