"""What every layer stands on: errors, messages, files, plug-ins, and what the source is made of."""
