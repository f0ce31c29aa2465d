"""Reads the C headers of the plugin ABI; shared by the scripts beside this folder."""
