"""The baseline as a FOCUS dataset: one row a request and charge class, streamed by the engine into a file."""
