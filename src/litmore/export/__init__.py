"""Trained models for programs that know nothing of litmore."""
