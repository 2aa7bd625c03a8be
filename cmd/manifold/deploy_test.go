package main

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestImageStartsOnlyWithAUser(t *testing.T) {
	t.Parallel()
	const file = "../../deploy/container/config.yaml"
	_, err := config.Load(config.Sources{File: file})
	if err == nil || !strings.Contains(err.Error(), "no user is configured") {
		t.Errorf("without a user: %v", err)
	}
	l, err := config.Load(config.Sources{File: file, Env: []string{"ACTIVEMQ_CONNECTION_USER=a", "ACTIVEMQ_CONNECTION_PASSWORD=b"}})
	if err != nil || l.Config.Store.Path != "/data" {
		t.Errorf("with a user: %v", err)
	}
}

func TestExitCodesOfTheUnitAndOfItsPage(t *testing.T) {
	t.Parallel()
	known := map[int]string{}
	for _, m := range sysexit.Codes() {
		known[int(m.Code)] = m.Text
	}
	unit := regexp.MustCompile(`(?m)^RestartPreventExitStatus=(.*)$`).FindStringSubmatch(read(t, "../../deploy/systemd/manifold.service"))
	if unit == nil {
		t.Fatal("the unit restarts after every failure")
	}
	for _, field := range strings.Fields(unit[1]) {
		if code, err := strconv.Atoi(field); err != nil || known[code] == "" {
			t.Errorf("the unit names %q, which is no exit code", field)
		}
	}
	rows := regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllStringSubmatch(read(t, "../../deploy/README.md"), -1)
	if len(rows) < 10 {
		t.Fatalf("the page lists %d exit codes", len(rows))
	}
	for _, row := range rows {
		if code, _ := strconv.Atoi(row[1]); known[code] == "" {
			t.Errorf("the page lists %s, which is no exit code", row[1])
		}
	}
}
