package activemqxml

import (
	"io/fs"
	"strings"
	"testing"
)

// TestPlaceholders shows where placeholders get their values from, the strongest first.
func TestPlaceholders(t *testing.T) {
	t.Parallel()
	text := `<beans xmlns="` + beansSpace + `" xmlns:context="` + contextSpace + `">
		<bean class="org.springframework.beans.factory.config.PropertyPlaceholderConfigurer"><property name="locations"><list><value>file:${activemq.conf}/one.properties</value></list></property></bean>
		<context:property-placeholder location="classpath:two.properties"/>
		<broker xmlns="` + coreSpace + `" brokerName="${one}-${two}-${three}-${four}-${five:def}-${six:${two}}" dataDirectory="${activemq.data}"/></beans>`
	read := func(name string) ([]byte, error) {
		switch name {
		case "/etc/mq/conf/one.properties":
			return []byte("one=1\n"), nil
		case "/etc/mq/conf/two.properties":
			return []byte("two=2\n"), nil
		}
		return nil, fs.ErrNotExist
	}
	r, err := Convert(Source{
		Name: "/etc/mq/conf/activemq.xml", Text: []byte(text), Read: read,
		Properties: map[string]string{"one": "no", "three": "3"}, Environment: map[string]string{"three": "no", "four": "${one}4"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`name: "1-2-3-14-def-2"`, "path: /etc/mq/data/manifold"} {
		if !strings.Contains(string(r.YAML), want) {
			t.Errorf("no %s in\n%s", want, r.YAML)
		}
	}
}

// TestEncryptedProperties reads what Jasypt 1.9.3 has encrypted, as ActiveMQ's encrypt command does.
func TestEncryptedProperties(t *testing.T) {
	t.Parallel()
	for text, want := range encrypted {
		if got, err := decrypt("activemq", text); err != nil || got != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
		if got, err := decrypt("other", text); err == nil && got == want {
			t.Errorf("%s with a wrong password: %q", text, got)
		}
	}
	for _, text := range []string{"", "!", "AAAA", "AAAAAAAAAAA=", strings.Repeat("AAAA", 100)} {
		if got, err := decrypt("activemq", text); err == nil {
			t.Errorf("%s: %q", text, got)
		}
	}
}

// encrypted are texts of Jasypt 1.9.3 with the password "activemq": PBEWithMD5AndDES, and
// PBEWITHHMACSHA256ANDAES_256 with a random initialisation vector.
var encrypted = map[string]string{
	"lbJ4FV9p7Fni+5pXyKnGxQ==": "manager",
	"g/JL/vaKwqs7JicQXEXJg+p448q1JbRug3m82KR0nTnCahsBqMXtaIV7sNWeZgn0LJPP4tUTB8hCy/Pjg+TAIQ==": "a longer text, ü",
}
