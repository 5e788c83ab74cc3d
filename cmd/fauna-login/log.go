package main

import (
	"io"
	"log/slog"
)

// newLogger makes the program's one logger: JSON lines, or text for people. Everything that
// libraries have to say ends in it.
func newLogger(w io.Writer, format, level string) *slog.Logger {
	var options slog.HandlerOptions
	options.Level = logLevel(level)
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, &options))
	}
	return slog.New(slog.NewTextHandler(w, &options))
}

// logLevel parses a level that the configuration has checked.
func logLevel(name string) slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(name)) // info, the zero Level, if it cannot be read
	return level
}
