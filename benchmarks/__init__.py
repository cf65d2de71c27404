"""Speed claims as ratios within one run: `python -m benchmarks`. Nothing here is asserted; docs/performance.md explains."""
