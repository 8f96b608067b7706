"""Oblivious transfer: base transfers on a prime-order group, and their extension."""
