"""Alertline: monitoring alerts become incident timelines with times you can trust."""

__version__ = "0.1.0"
