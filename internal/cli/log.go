package cli

import (
	"io"
	"log/slog"
)

// newLogger writes lines for a person on stderr: without the time, which the
// person knows.
func newLogger(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				return slog.Attr{}
			}
			return a
		},
	}))
}

// logLevel is what --quiet and -v ask for.
func logLevel(quiet bool, verbose int) slog.Level {
	switch {
	case verbose >= 2:
		return slog.LevelDebug
	case verbose == 1:
		return slog.LevelInfo
	case quiet:
		return slog.LevelError
	}
	return slog.LevelWarn
}
