package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// Client calls one broker.
type Client struct {
	// Address is host:port of the broker's HTTP listener, or a URL.
	Address string
	Token   string
	HTTP    *http.Client
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 16 << 20

// Post calls a path below /api/v1/ with body as JSON, and reads the answer into into. Either may
// be nil. The error has the exit code that fits, and the broker's own words where it gave some.
func (c *Client) Post(ctx context.Context, path string, body, into any) error {
	text := []byte(nil)
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	base := c.Address
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	target, err := url.JoinPath(base, "api/v1", path)
	if err != nil {
		return sysexit.With(sysexit.Usage, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(text))
	if err != nil {
		return sysexit.With(sysexit.Usage, err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, err := c.HTTP.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return sysexit.With(sysexit.Timeout, err)
		}
		return sysexit.With(sysexit.Unavailable, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return sysexit.With(sysexit.Unavailable, err)
	}
	if resp.StatusCode >= 300 {
		return refusal(resp, answer)
	}
	if into == nil || len(answer) == 0 {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return sysexit.Errorf(sysexit.Unavailable, "%s: not the answer of a broker: %w", target, err)
	}
	return nil
}

// refusal turns a bad status into an error. The API's errors are {"error": "..."}.
func refusal(resp *http.Response, answer []byte) error {
	var body struct {
		Error string `json:"error"`
	}
	text := resp.Status
	if json.Unmarshal(answer, &body) == nil && body.Error != "" {
		text = body.Error
	}
	code := sysexit.Data
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		code = sysexit.Permission
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return sysexit.Errorf(sysexit.Unavailable, "%s: %s; is this the HTTP listener of a broker?", resp.Request.URL, text)
	case http.StatusGatewayTimeout, http.StatusRequestTimeout, http.StatusTooManyRequests:
		code = sysexit.Timeout
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusNotImplemented:
		code = sysexit.Unavailable
	case http.StatusConflict:
		code = sysexit.CantCreate
	case http.StatusInternalServerError:
		code = sysexit.Software
	case http.StatusInsufficientStorage:
		code = sysexit.IO
	}
	return sysexit.With(code, fmt.Errorf("the broker refused: %s", text))
}
