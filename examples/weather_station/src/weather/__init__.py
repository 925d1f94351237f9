"""A weather station: it measures, remembers and forecasts."""

__version__ = "1.0.0"
