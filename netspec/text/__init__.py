"""Protobuf text format: sources and spans, the parser, the printer, and the drawing of a diagnostic."""
