"""Sensors of the house."""
