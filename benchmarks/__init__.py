"""Speed claims as ratios within one run: `python -m benchmarks`. Nothing is asserted; see docs/performance.md."""
