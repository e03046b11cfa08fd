package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"os"
	"strings"
)

// after is the number of pieces of a stream before a process dies.
const after = 3

// survives reads the stream three times, an expert node dying the second time and a
// router the third, and returns the text, or an error if the texts differ.
func survives(ctx context.Context, stream func() iter.Seq2[string, error]) (string, error) {
	expected, err := read(stream(), func(int) error { return nil })
	if err != nil {
		return "", err
	}
	for _, victim := range []string{"node", "router"} {
		if err := post(ctx, "/whole"); err != nil {
			return "", err
		}
		got, err := read(stream(), func(pieces int) error {
			if pieces != after {
				return nil
			}
			return post(ctx, "/kill/"+victim)
		})
		if err == nil && got != expected {
			err = fmt.Errorf("%q with a %s killed, %q without", got, victim, expected)
		}
		if err != nil {
			return "", err
		}
	}
	return expected, nil
}

func read(stream iter.Seq2[string, error], each func(pieces int) error) (string, error) {
	var text strings.Builder
	var pieces int
	for piece, err := range stream {
		text.WriteString(piece)
		pieces++
		if err := errors.Join(err, each(pieces)); err != nil {
			return "", err
		}
	}
	if pieces <= after {
		return "", fmt.Errorf("%d pieces are too few: %q", pieces, text.String())
	}
	return text.String(), nil
}

// post asks the command that runs the clients for something.
func post(ctx context.Context, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("HACHI_KILLER")+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("POST %s: %s", path, resp.Status)
	}
	return nil
}
