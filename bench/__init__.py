"""Benchmarks print figures; they assert nothing."""
