package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// client speaks to a server's API with one key or the admin token.
type client struct {
	base  string // e.g. "http://127.0.0.1:8080"
	token string
	http  *http.Client
}

func newClient(base, token string) *client {
	return &client{base: strings.TrimRight(base, "/"), token: token, http: &http.Client{Timeout: time.Minute}}
}

// call sends in as JSON (nil = no body) and reads the answer into out (nil =
// not wanted). An answer that is not 2xx is an error with the server's own words.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	text, err := c.ask(ctx, method, path, body)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s answered what this program does not understand; is it a Tidings server? (%w)", c.base, err)
	}
	return nil
}

// text gives an answer that is not JSON.
func (c *client) text(ctx context.Context, path string) (string, error) {
	text, err := c.ask(ctx, http.MethodGet, path, nil)
	return string(text), err
}

// ask sends a request, with a body of JSON unless it is nil, and gives the answer's body.
func (c *client) ask(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no answer from %s: %w", c.base, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", c.base, err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return nil, problem(res.StatusCode, text)
	}
	return text, nil
}

// problem puts a server's refusal (RFC 9457) into words.
func problem(status int, text []byte) error {
	var p struct {
		Detail string `json:"detail"`
		Errors []struct {
			Field  string `json:"field"`
			Reason string `json:"reason"`
		} `json:"errors"`
	}
	if json.Unmarshal(text, &p) != nil || p.Detail == "" {
		return fmt.Errorf("the server answered %d %s", status, http.StatusText(status))
	}
	words := []string{p.Detail}
	for _, e := range p.Errors {
		words = append(words, strings.TrimSpace(e.Field+" "+e.Reason))
	}
	return errors.New(strings.Join(words, "; "))
}
