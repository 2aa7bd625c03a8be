package api

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

func TestToken(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := ReadToken(dir); sysexit.Of(err) != sysexit.Unavailable {
		t.Errorf("without a broker: %v", err)
	}
	token := NewToken()
	if len(token) < 20 || token == NewToken() {
		t.Errorf("token %q", token)
	}
	if err := WriteToken(dir, token); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, TokenFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if got, err := ReadToken(dir); err != nil || got != token {
		t.Errorf("got %q, %v", got, err)
	}
	for range 2 {
		if err := RemoveToken(dir); err != nil {
			t.Error(err)
		}
	}
}

func TestPost(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_ = json.NewEncoder(w).Encode(map[string]string{
			"method": r.Method, "path": r.URL.Path, "token": r.Header.Get("Authorization"), "body": string(body),
		})
	}))
	defer server.Close()
	for _, address := range []string{server.URL, strings.TrimPrefix(server.URL, "http://"), server.URL + "/"} {
		c := Client{address, "T", server.Client()}
		var got map[string]string
		if err := c.Post(t.Context(), "store/backup", map[string]string{"path": "x"}, &got); err != nil {
			t.Fatal(err)
		}
		if got["method"] != "POST" || got["path"] != "/api/v1/store/backup" || got["token"] != "Bearer T" || got["body"] != `{"path":"x"}` {
			t.Errorf("%s: %v", address, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		body   string
		want   sysexit.Code
		text   string
	}{
		{401, `{"error":"no such token"}`, sysexit.Permission, "the broker refused: no such token"},
		{403, "", sysexit.Permission, "403 Forbidden"},
		{404, "<html>", sysexit.Unavailable, "is this the HTTP listener of a broker?"},
		{422, `{"error":"bad"}`, sysexit.Data, "bad"},
		{500, "", sysexit.Software, "500"},
		{409, `{"error":"x is there already"}`, sysexit.CantCreate, "x is there already"},
		{501, `{"error":"not offered"}`, sysexit.Unavailable, "not offered"},
		{503, "", sysexit.Unavailable, "503"},
		{504, "", sysexit.Timeout, "504"},
		{507, "", sysexit.IO, "507"},
		{200, "<html>", sysexit.Unavailable, "not the answer of a broker"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		client := Client{server.URL, "T", server.Client()}
		var into map[string]any
		err := client.Post(t.Context(), "reload", nil, &into)
		if sysexit.Of(err) != c.want || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%d: got %d, %v", c.status, sysexit.Of(err), err)
		}
		server.Close()
		if err := client.Post(t.Context(), "reload", nil, nil); sysexit.Of(err) != sysexit.Unavailable {
			t.Errorf("nobody listens: %v", err)
		}
	}
}
