package activemqxml

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
)

// inBroker puts elements into a broker.
func inBroker(inner string) string {
	return `<broker xmlns="` + coreSpace + `" schedulerSupport="true">` + inner + `</broker>`
}

// inPolicies puts policyEntry elements into a broker.
func inPolicies(inner string) string {
	return inBroker("<destinationPolicy><policyMap><policyEntries>" + inner + "</policyEntries></policyMap></destinationPolicy>")
}

// convert converts a text, reads what comes out, and returns it without remarks.
func convert(t *testing.T, text string, change ...func(*Source)) (string, *Result) {
	t.Helper()
	in := Source{Name: "conf/activemq.xml", Text: []byte(text)}
	for _, f := range change {
		f(&in)
	}
	r, err := Convert(in)
	if err != nil {
		t.Fatalf("%v of\n%s", err, text)
	}
	if _, err := config.Load(config.Sources{File: "a.xml", Clear: true, Lines: r.Lines, Read: func(string) ([]byte, error) { return r.YAML, nil }}); err != nil {
		t.Fatalf("%v of\n%s", err, r.YAML)
	}
	var lines []string
	for line := range strings.Lines(string(r.YAML)) {
		line = strings.TrimRight(line, "\n")
		if s := strings.TrimSpace(line); s != "" && !strings.HasPrefix(s, "#") && line != "broker:" && line != "  scheduler: true" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n"), r
}

// TestConvert shows what elements become.
func TestConvert(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct{ xml, want string }{
		"an empty broker": {`<broker xmlns="` + coreSpace + `"/>`, `  scheduler: false`},
		"attributes of the broker": {
			`<broker xmlns="` + coreSpace + `" schedulerSupport="true" brokerName="my broker" dataDirectory="/data" useVirtualTopics="false" useMirroredQueues="true" offlineDurableSubscriberTimeout="86400000"/>`,
			`
  name: my_broker
store:
  path: /data/manifold
destinations:
  virtual_topics: []
  mirrored_queues:
    - match: ">"
  policies:
    - match: "topic://>"
      offline_durable_timeout: 24h`,
		},
		"connectors": {
			inBroker(`<transportConnectors>
				<transportConnector name="openwire" uri="tcp://127.0.0.1:61616?maximumConnections=1000&amp;wireFormat.maxFrameSize=104857600"/>
				<transportConnector uri="amqp://localhost?transport.transformer=jms"/>
				<transportConnector uri="amqp+nio://[::1]:5673"/>
				<transportConnector name="stomp" uri="stomp://127.0.0.1:61613?transport.defaultHeartBeat=5000,10000&amp;transport.hbGracePeriodMultiplier=1.5"/>
				<transportConnector name="auto" uri="auto+nio://127.0.0.1:0?auto.protocols=openwire,stomp"/>
				<transportConnector name="ws" uri="ws://127.0.0.1:61614/"/>
				<transportConnector name="ws" uri="mqtt+nio://127.0.0.1:1883?transport.publishDollarTopics=true"/>
			</transportConnectors>`),
			`
listeners:
  - name: openwire
    address: "127.0.0.1:61616"
    protocols: [openwire]
    max_connections: 1000
  - name: amqp
    address: "localhost:5672"
    protocols: [amqp]
    amqp:
      transformer: jms
  - name: amqp+nio
    address: "[::1]:5673"
    protocols: [amqp]
    amqp:
      transformer: native
  - name: stomp
    address: "127.0.0.1:61613"
    protocols: [stomp]
  - name: auto
    address: "127.0.0.1:0"
    protocols: [openwire, stomp]
  - name: ws
    address: "127.0.0.1:61614"
    protocols: [websocket]
  - name: ws-2
    address: "127.0.0.1:1883"
    protocols: [mqtt]
limits:
  frame: 100MiB
stomp:
  heartbeat:
    default_receive: 5s
    default_send: 10s
    grace: 1.5
mqtt:
  publish_dollar_topics: true`,
		},
		"a connector for other machines": {
			inBroker(`<transportConnectors><transportConnector name="o" uri="nio://0.0.0.0:61616"/></transportConnectors>`),
			`
listeners:
  - name: o
    address: "0.0.0.0:61616"
    protocols: [openwire]
security:
  anonymous: true`,
		},
		"Amazon's connectors": {
			inBroker(`<transportConnectors><transportConnector name="openwire"/></transportConnectors><plugins><authorizationPlugin><map><authorizationMap><authorizationEntries>
				<authorizationEntry queue="A,B.>" read="a, b" write="*"/>
				</authorizationEntries><tempDestinationAuthorizationEntry><tempDestinationAuthorizationEntry queue="NOT" read="a" write="a" admin="a"/></tempDestinationAuthorizationEntry></authorizationMap></map></authorizationPlugin></plugins>`),
			`
security:
  permissions:
    - match: "queue://A"
      read: [a, b]
      write: ["*"]
    - match: "queue://B.>"
      read: [a, b]
      write: ["*"]
    - match: "temp-queue://>"
      read: [a]
      write: [a]
      admin: [a]
    - match: "temp-topic://>"
      read: [a]
      write: [a]
      admin: [a]
  users_file: conf/users.properties
  groups_file: conf/groups.properties`,
		},
		"several plugins that ask who clients are": {
			inBroker(`<plugins><simpleAuthenticationPlugin anonymousAccessAllowed="true"><users><authenticationUser username="u" password="p" groups="g"/></users></simpleAuthenticationPlugin>
				<jaasAuthenticationPlugin configuration="first"/><jaasAuthenticationPlugin configuration="last"/></plugins>`),
			`
security:
  login_config: conf/login.config
  login_realm: last`,
		},
		"permissions that allow nothing": {
			inBroker(`<plugins><simpleAuthenticationPlugin><users><authenticationUser username="u" password="p" groups="g"/></users></simpleAuthenticationPlugin>
				<authorizationPlugin><map><authorizationMap/></map></authorizationPlugin></plugins>`),
			`
security:
  users:
    - name: u
      password: p
      groups: [g]
  permissions:
    - match: "queue://>"`,
		},
		"TLS": {
			inBroker(`<sslContext><sslContext keyStore="file:/k/broker.ks" keyStorePassword="x" trustStore="trust.jks"/></sslContext>
				<transportConnectors><transportConnector name="s" uri="ssl://127.0.0.1:61617?needClientAuth=true&amp;transport.enabledProtocols=TLSv1.3"/><transportConnector name="w" uri="wss://127.0.0.1"/></transportConnectors>`),
			`
listeners:
  - name: s
    address: "127.0.0.1:61617"
    protocols: [openwire]
    tls:
      certificate: /k/broker.pem
      key: /k/broker.pem
      client_ca: conf/trust-ca.pem
      client_auth: required
      min_version: "1.3"
  - name: w
    address: "127.0.0.1:61619"
    protocols: [websocket]
    tls:
      certificate: /k/broker.pem
      key: /k/broker.pem`,
		},
		"limits": {
			inBroker(`<systemUsage><systemUsage sendFailIfNoSpaceAfterTimeout="3000"><memoryUsage><memoryUsage percentOfJvmHeap="70"/></memoryUsage>
				<storeUsage><storeUsage limit="100 gb"/></storeUsage><tempUsage><tempUsage percentLimit="10"/></tempUsage></systemUsage></systemUsage>`),
			`
limits:
  send_fail_if_no_space_after: 3s
  memory: 700MiB
  store: 100GiB
  temp: 100GiB`,
		},
		"less memory than a frame": {
			inBroker(`<systemUsage><systemUsage><memoryUsage><memoryUsage limit="20 mb"/></memoryUsage></systemUsage></systemUsage>`),
			`
limits:
  memory: 20MiB
  frame: 20MiB`,
		},
		"the store": {
			inBroker(`<persistenceAdapter><kahaDB directory="/kaha" journalDiskSyncStrategy="periodic" journalDiskSyncInterval="500" indexCacheSize="7"/></persistenceAdapter>`),
			`
store:
  sync: interval
  sync_interval: 500ms
  path: /kaha/manifold`,
		},
		"a store in memory": {inBroker(`<persistenceAdapter><memoryPersistenceAdapter/></persistenceAdapter>`), `
store:
  engine: memory`},
		"a policy": {
			inPolicies(`<policyEntry queue="Q.>" producerFlowControl="false" memoryLimit="5mb" queuePrefetch="10" expireMessagesPeriod="0" messageGroupMapFactoryType="bucket?bucketCount=64"
				consumersBeforeDispatchStarts="2" timeBeforeDispatchStarts="1500" sendFailIfNoSpaceAfterTimeout="1000" topicPrefetch="5">
				<deadLetterStrategy><sharedDeadLetterStrategy processExpired="false" expiration="60000"><deadLetterQueue><queue physicalName="Dead"/></deadLetterQueue></sharedDeadLetterStrategy></deadLetterStrategy>
				<slowConsumerStrategy><abortSlowConsumerStrategy abortConnection="true" maxSlowCount="3"/></slowConsumerStrategy>
				</policyEntry>`),
			`
destinations:
  policies:
    - match: "queue://Q.>"
      producer_flow_control: false
      prefetch:
        queue: 10
      expire_period: 0s
      send_fail_if_no_space_after: 1s
      limits:
        window: 5MiB
      dispatch:
        start_consumers: 2
        start_after: 1500ms
        groups: 64
      dead_letter:
        process_expired: false
        ttl: 1m
        queue: Dead
      slow_consumers:
        abort_after: 30s
        maximum_count: 3
        abort_connection: true`,
		},
		"policies of topics": {
			inPolicies(`<policyEntry topic=">"><pendingMessageLimitStrategy><prefetchRatePendingMessageLimitStrategy multiplier="2.5"/></pendingMessageLimitStrategy>
				<messageEvictionStrategy><uniquePropertyMessageEvictionStrategy propertyName="stock"/></messageEvictionStrategy>
				<subscriptionRecoveryPolicy><retainedMessageSubscriptionRecoveryPolicy><wrapped><timedSubscriptionRecoveryPolicy recoverDuration="5000"/></wrapped></retainedMessageSubscriptionRecoveryPolicy></subscriptionRecoveryPolicy>
				<deadLetterStrategy><individualDeadLetterStrategy topicPrefix="DLT."/></deadLetterStrategy></policyEntry>
				<policyEntry topic="plain" alwaysRetroactive="true"/>`),
			`
destinations:
  policies:
    - match: "topic://>"
      limits:
        pending_multiplier: 2.5
        eviction_property: stock
        eviction: unique_property
      recovery:
        age: 5s
      dead_letter:
        individual: true
        prefix: DLT.
    - match: "topic://plain"
      recovery:
        always: true
        age: 0s
      limits:
        pending_multiplier: 0
        eviction_property: ""
        eviction: oldest
      dead_letter:
        individual: false`,
		},
		"evictions that never happen": {
			inPolicies(`<policyEntry topic=">" advisoryWhenFull="true"><messageEvictionStrategy><oldestMessageWithLowestPriorityEvictionStrategy/></messageEvictionStrategy></policyEntry>`),
			`
destinations:
  policies:
    - match: "topic://>"
      advisory_when_full: true`,
		},
		"a default policy": {
			inBroker(`<destinationPolicy><policyMap><defaultEntry><policyEntry prioritizedMessages="true"/></defaultEntry><policyEntries><policyEntry queue="a" allConsumersExclusiveByDefault="true"/></policyEntries></policyMap></destinationPolicy>`),
			`
destinations:
  policies:
    - match: "queue://>"
      prioritized: true
    - match: "topic://>"
      prioritized: true
    - match: "queue://a"
      dispatch:
        all_exclusive: true
      prioritized: false`,
		},
		"inactive destinations": {
			`<broker xmlns="` + coreSpace + `" schedulerSupport="true" schedulePeriodForDestinationPurge="10000"><destinationPolicy><policyMap><policyEntries><policyEntry queue=">" gcInactiveDestinations="true" inactiveTimoutBeforeGC="30000"/></policyEntries></policyMap></destinationPolicy></broker>`,
			`
destinations:
  policies:
    - match: "queue://>"
      delete_inactive: 30s`,
		},
		"destinations": {
			inBroker(`<destinations><queue physicalName="FOO.BAR"/><topic physicalName="T"/></destinations>
				<destinationInterceptors><virtualDestinationInterceptor><virtualDestinations>
				<virtualTopic name=">" prefix="VTC.*." selectorAware="true"/>
				<compositeQueue name="MY" forwardOnly="false"><forwardTo><queue physicalName="F"/><topic physicalName="B"/><filteredDestination selector="odd = 'yes'" queue="D"/></forwardTo></compositeQueue>
				</virtualDestinations></virtualDestinationInterceptor><mirroredQueue copyMessage="true" prefix="M." postfix=".x"/></destinationInterceptors>`),
			`
destinations:
  virtual_topics:
    - match: ">"
      prefix: "VTC.*."
      selector_aware: true
  composites:
    - match: "queue://MY"
      to:
        - destination: "queue://F"
        - destination: "topic://B"
        - destination: "queue://D"
          selector: "odd = 'yes'"
      forward_only: false
  mirrored_queues:
    - match: ">"
      prefix: M.
      postfix: ".x"
  create: ["queue://FOO.BAR", "topic://T"]`,
		},
		"plugins": {
			inBroker(`<plugins><statisticsBrokerPlugin/><timeStampingBrokerPlugin ttlCeiling="5000" zeroExpirationOverride="9000"/>
				<forcePersistencyModeBrokerPlugin persistenceFlag="true"/>
				<discardingDLQBrokerPlugin dropAll="false" dropOnly="A B\..*" reportInterval="1"/>
				<redeliveryPlugin><redeliveryPolicyMap><redeliveryPolicyMap><redeliveryPolicyEntries><redeliveryPolicy queue="R" maximumRedeliveries="4" useExponentialBackOff="true" backOffMultiplier="2" maximumRedeliveryDelay="60000"/></redeliveryPolicyEntries></redeliveryPolicyMap></redeliveryPolicyMap></redeliveryPlugin>
				</plugins>`),
			`
destinations:
  policies:
    - match: "queue://>"
      sending:
        timestamp: broker
        maximum_ttl: 5s
        default_ttl: 5s
        delivery_mode: persistent
    - match: "topic://>"
      sending:
        timestamp: broker
        maximum_ttl: 5s
        default_ttl: 5s
        delivery_mode: persistent
    - match: "queue://A"
      dead_letter:
        discard: true
    - match: "topic://A"
      dead_letter:
        discard: true
    - match: "queue://B.>"
      dead_letter:
        discard: true
    - match: "topic://B.>"
      dead_letter:
        discard: true
    - match: "queue://R"
      redelivery:
        rejected: true
        maximum: 4
        delay: 1s
        backoff_multiplier: 2
        maximum_delay: 1m`,
		},
		"a plugin of the application's own, which may ask who clients are": {
			inBroker(`<transportConnectors><transportConnector name="o" uri="tcp://0.0.0.0:61616"/></transportConnectors><plugins><bean xmlns="` + beansSpace + `" class="org.apache.activemq.shiro.ShiroPlugin"/></plugins>`),
			`
listeners:
  - name: o
    address: "0.0.0.0:61616"
    protocols: [openwire]
security:
  users_file: conf/users.properties
  groups_file: conf/groups.properties`,
		},
		"a blueprint of OSGi": {
			`<blueprint xmlns="` + blueprintSpace + `" xmlns:cm="x"><cm:property-placeholder placeholder-prefix="${"><cm:default-properties><cm:property name="n" value="here"/></cm:default-properties></cm:property-placeholder>
				<broker xmlns="` + coreSpace + `" schedulerSupport="true" brokerName="${n}"/></blueprint>`,
			`  name: here`,
		},
		"a plugin as a bean": {
			inBroker(`<plugins><bean xmlns="` + beansSpace + `" class="org.apache.activemq.broker.util.TimeStampingBrokerPlugin"><property name="ttlCeiling" value="1000"/></bean></plugins>`),
			`
destinations:
  policies:
    - match: "queue://>"
      sending:
        timestamp: broker
        maximum_ttl: 1s
    - match: "topic://>"
      sending:
        timestamp: broker
        maximum_ttl: 1s`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _ := convert(t, x.xml, func(s *Source) { s.Heap, s.Disk = 1000<<20, func(string) (int64, error) { return 1000 << 30, nil } })
			if want := strings.TrimPrefix(x.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestLinesOfOrigins holds the place of each value against the line of the file that it comes from.
func TestLinesOfOrigins(t *testing.T) {
	t.Parallel()
	text := "<?xml version=\"1.0\"?>\n<!-- a remark\nof two lines -->\n<broker xmlns='" + coreSpace + "'\n   brokerName='x'\n\n   schedulerSupport='true'>\n" +
		"<destinationPolicy><policyMap><policyEntries>\n<policyEntry queue='q'\nqueuePrefetch='3'/></policyEntries></policyMap></destinationPolicy></broker>"
	r, err := Convert(Source{Name: "a.xml", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := config.Load(config.Sources{File: "a.xml", Lines: r.Lines, Read: func(string) ([]byte, error) { return r.YAML, nil }})
	if err != nil {
		t.Fatal(err)
	}
	for path, line := range map[string]int{"broker.name": 5, "broker.scheduler": 7, "destinations.policies[0].match": 9, "destinations.policies[0].prefetch.queue": 10} {
		if got, want := l.Origins[path].Where, fmt.Sprintf("a.xml:%d", line); got != want {
			t.Errorf("%s is from %s, want %s", path, got, want)
		}
	}
}

// TestSecretsAreNotShown looks for passwords where they are not wanted.
func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	text := inBroker(`<plugins><simpleAuthenticationPlugin><users><authenticationUser username="u" password="hunter2"/></users></simpleAuthenticationPlugin></plugins><sslContext><sslContext keyStorePassword="hunter2"/></sslContext>`)
	r, err := Convert(Source{Name: "a.xml", Text: []byte(text), Hash: func(string) (string, error) { return "$2a$10$" + strings.Repeat("x", 53), nil }})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(r.YAML), "hunter2") || strings.Contains(fmt.Sprint(r.Entries), "hunter2") {
		t.Errorf("a password is shown: %s %v", r.YAML, r.Entries)
	}
}

// TestImports reads the files that a file imports.
func TestImports(t *testing.T) {
	t.Parallel()
	text := `<beans xmlns="` + beansSpace + `"><import resource="jetty.xml"/><import resource="more.xml"/><import resource="gone.xml"/><broker xmlns="` + coreSpace + `" schedulerSupport="true"/></beans>`
	read := func(name string) ([]byte, error) {
		switch name {
		case "conf/jetty.xml":
			return []byte(`<beans xmlns="` + beansSpace + `"><bean class="org.apache.activemq.web.WebConsolePort"><property name="host" value="0.0.0.0"/><property name="port" value="8170"/></bean></beans>`), nil
		case "conf/more.xml":
			return []byte(`<beans xmlns="` + beansSpace + `"><bean class="my.Bean"/><import resource="more.xml"/></beans>`), nil
		}
		return nil, fs.ErrNotExist
	}
	_, err := Convert(Source{Name: "conf/activemq.xml", Text: []byte(text), Read: read})
	if err == nil || !strings.Contains(err.Error(), "conf/more.xml:1: beans/import: more.xml is imported again") {
		t.Errorf("got %v", err)
	}
	got, r := convert(t, strings.Replace(text, `<import resource="more.xml"/>`, "", 1), func(s *Source) { s.Read = read })
	// Nobody could log in to it from elsewhere.
	if want := "http:\n  address: \"127.0.0.1:8170\""; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if lost := r.Lost(); len(lost) != 1 || !strings.Contains(lost[0].String(), "the file can't be read") {
		t.Errorf("lost: %v", lost)
	}
}

// TestAdministratorOfTheWebConsole takes the login of the web console over, but not a known one.
func TestAdministratorOfTheWebConsole(t *testing.T) {
	t.Parallel()
	text := `<beans xmlns="` + beansSpace + `"><import resource="jetty.xml"/><broker xmlns="` + coreSpace + `" schedulerSupport="true"/></beans>`
	for realm, want := range map[string]string{
		"user: u, user\njoe: s3cret , admin\n": "http:\n  address: \"0.0.0.0:8161\"\n  username: joe\n  password: s3cret\nsecurity:\n  anonymous: true",
		"admin: admin, admin\n":                "http:\n  address: \"127.0.0.1:8161\"",
		"joe: OBF:1v2j1uum, admin\n":           "http:\n  address: \"127.0.0.1:8161\"",
		"joe: s3cret, user\n":                  "http:\n  address: \"127.0.0.1:8161\"",
	} {
		got, _ := convert(t, text, func(s *Source) {
			s.Read = func(name string) ([]byte, error) {
				switch name {
				case "conf/jetty.xml":
					return []byte(`<beans xmlns="` + beansSpace + `"><bean class="org.eclipse.jetty.security.HashLoginService"><property name="config" value="${activemq.conf}/jetty-realm.properties"/></bean>
						<bean class="org.apache.activemq.web.WebConsolePort"><property name="host" value="0.0.0.0"/><property name="port" value="8161"/></bean></beans>`), nil
				case "conf/jetty-realm.properties":
					return []byte(realm), nil
				}
				return nil, fs.ErrNotExist
			}
		})
		if got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", realm, got, want)
		}
	}
}

// TestLenient drops what is not known.
func TestLenient(t *testing.T) {
	t.Parallel()
	text := inBroker(`<shiny new="1"/><transportConnectors><transportConnector uri="tcp://127.0.0.1:1?shiny=1" shiny="1"/></transportConnectors>`)
	if _, err := Convert(Source{Name: "a.xml", Text: []byte(text)}); err == nil {
		t.Error("it was taken")
	}
	_, r := convert(t, text, func(s *Source) { s.Lenient = true })
	if n := len(r.Lost()); n != 3 {
		t.Errorf("%d are lost: %v", n, r.Lost())
	}
}

// TestDirectories converts what asks a login.config and a directory.
func TestDirectories(t *testing.T) {
	t.Parallel()
	text := inBroker(`<plugins>
<jaasDualAuthenticationPlugin configuration="plain" sslConfiguration="tls"/>
<authorizationPlugin><map><cachedLDAPAuthorizationMap connectionURL="ldaps://a ldap://b:1389" connectionUsername="cn=u" connectionPassword="p"
 queueSearchBase="ou=Q" tempSearchBase="ou=T" refreshInterval="90000" readPermissionGroupSearchFilter="(cn=r)" legacyGroupMapping="false"/></map></authorizationPlugin></plugins>`)
	r, err := Convert(Source{Name: "conf/activemq.xml", Text: []byte(text), Read: files})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := config.Parse("c.yaml", r.YAML)
	if err != nil {
		t.Fatalf("%v\n%s", err, r.YAML)
	}
	s := loaded.Config.Security
	if s.LoginConfig != "conf/login.config" || s.LoginRealm != "plain" || s.LoginCertificateRealm != "tls" || len(s.Permissions) > 0 {
		t.Errorf("%+v", s)
	}
	l, p := s.LDAP, s.LDAP.Permissions
	if strings.Join(l.URLs, " ") != "ldaps://a ldap://b:1389" || l.ServiceAccountUser != "cn=u" || l.ServiceAccountPassword != "p" || l.UserBase != "" {
		t.Errorf("%+v", l)
	}
	if p.QueueBase != "ou=Q" || p.TopicBase != "" || p.TempBase != "ou=T" || p.RefreshInterval != 90*time.Second || p.ReadFilter != "(cn=r)" || p.WriteFilter != "(cn=write)" {
		t.Errorf("%+v", p)
	}

	text = inBroker(`<plugins><authorizationPlugin><map><cachedLDAPAuthorizationMap connectionURL="ldap://a/dc=x" refreshDisabled="true"/></map></authorizationPlugin></plugins>`)
	if r, err = Convert(Source{Name: "activemq.xml", Text: []byte(text), Read: files}); err != nil {
		t.Fatal(err)
	}
	if loaded, err = config.Parse("c.yaml", r.YAML); err != nil {
		t.Fatal(err)
	}
	p = loaded.Config.Security.LDAP.Permissions
	if p.TopicBase != "ou=Topic,ou=Destination,ou=ActiveMQ,ou=system,dc=x" || p.RefreshInterval != 0 || loaded.Config.Security.LDAP.URLs[0] != "ldap://a" {
		t.Errorf("%+v", p)
	}
}
