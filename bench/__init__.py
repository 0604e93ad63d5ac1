"""Benchmarks: ratios against a bare baseline measured in the same run; load goes to 127.0.0.1 only."""
