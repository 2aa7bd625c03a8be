// Drives paho for C against a broker; see ../README.md. Compile with: cc client.c -lpaho-mqtt3cs
#include <MQTTClient.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE = 20000 };

static const char *host = "127.0.0.1", *port = "1883", *name = "c", *version = "3.1.1", *transport = "tcp";
static const char *user, *password, *ca, *cert, *key, *peer = "";
static char topic[256];
static int five, failed;

static void check(const char *what, int good, const char *why, ...) {
  if (good) {
    printf("PASS %s\n", what);
    return;
  }
  failed = 1;
  printf("FAIL %s: ", what);
  va_list args;
  va_start(args, why);
  vprintf(why, args);
  va_end(args);
  printf("\n");
}

static void must(const char *what, int rc) {
  if (rc < 0 || rc >= 0x80) {
    printf("FAIL %s: %d\n", what, rc);
    exit(1);
  }
}

typedef struct {
  MQTTClient client;
  int present;
} Session;

static Session session(const char *suffix, int clean, unsigned expiry, const char *will) {
  Session s = {0};
  char uri[512], id[256], path[300];
  const char *scheme = strcmp(transport, "ws") == 0 ? (ca ? "wss" : "ws") : (ca ? "ssl" : "tcp");
  snprintf(uri, sizeof uri, "%s://%s:%s%s", scheme, host, port, strcmp(transport, "ws") == 0 ? "/mqtt" : "");
  snprintf(id, sizeof id, "%s%s", name, suffix);
  MQTTClient_createOptions create = MQTTClient_createOptions_initializer;
  create.MQTTVersion = five ? MQTTVERSION_5 : MQTTVERSION_DEFAULT;
  must("create", MQTTClient_createWithOptions(&s.client, uri, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &create));
  MQTTClient_connectOptions three = MQTTClient_connectOptions_initializer;
  MQTTClient_connectOptions new5 = MQTTClient_connectOptions_initializer5;
  MQTTClient_connectOptions o = five ? new5 : three;
  MQTTClient_SSLOptions ssl = MQTTClient_SSLOptions_initializer;
  MQTTClient_willOptions w = MQTTClient_willOptions_initializer;
  if (!five) {
    o.MQTTVersion = strcmp(version, "3.1") == 0 ? MQTTVERSION_3_1 : MQTTVERSION_3_1_1;
    o.cleansession = clean;
  } else {
    o.cleanstart = clean;
  }
  o.keepAliveInterval = 60;
  o.username = user;
  o.password = password;
  if (ca) {
    ssl.trustStore = ca;
    ssl.keyStore = cert;
    ssl.privateKey = key;
    ssl.verify = 1;
    o.ssl = &ssl;
  }
  if (will) {
    snprintf(path, sizeof path, "%s/will", topic);
    w.topicName = path;
    w.message = will;
    w.qos = 1;
    o.will = &w;
  }
  if (five) {
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTProperty p = {.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, .value.integer4 = expiry};
    if (expiry) MQTTProperties_add(&properties, &p);
    MQTTResponse r = MQTTClient_connect5(s.client, &o, &properties, NULL);
    must("connect", r.reasonCode);
    MQTTProperties_free(&properties);
    MQTTResponse_free(r);
  } else {
    must("connect", MQTTClient_connect(s.client, &o));
  }
  s.present = five ? -1 : o.returned.sessionPresent;
  return s;
}

static int subscribe(Session *s, const char *filter, int qos) {
  if (!five) {
    int rc = MQTTClient_subscribe(s->client, filter, qos);
    return rc == MQTTCLIENT_SUCCESS ? qos : rc; // the library hides what was granted
  }
  MQTTResponse r = MQTTClient_subscribe5(s->client, filter, qos, NULL, NULL);
  int rc = r.reasonCode;
  MQTTResponse_free(r);
  return rc;
}

static void unsubscribe(Session *s, const char *filter) {
  if (!five) {
    must("unsubscribe", MQTTClient_unsubscribe(s->client, filter));
    return;
  }
  MQTTResponse r = MQTTClient_unsubscribe5(s->client, filter, NULL);
  must("unsubscribe", r.reasonCode);
  MQTTResponse_free(r);
}

static void publish(Session *s, const char *to, const void *payload, int length, int qos, int retained, MQTTProperties *properties) {
  MQTTClient_deliveryToken token;
  if (five) {
    MQTTClient_message m = MQTTClient_message_initializer;
    m.payload = (void *)payload;
    m.payloadlen = length;
    m.qos = qos;
    m.retained = retained;
    if (properties) m.properties = *properties;
    MQTTResponse r = MQTTClient_publishMessage5(s->client, to, &m, &token);
    must("publish", r.reasonCode);
    MQTTResponse_free(r);
  } else {
    must("publish", MQTTClient_publish(s->client, to, length, payload, qos, retained, &token));
  }
  if (qos > 0) must("confirmation", MQTTClient_waitForCompletion(s->client, token, PATIENCE));
}

static void put(Session *s, const char *to, const char *text, int qos) { publish(s, to, text, (int)strlen(text), qos, 0, NULL); }

static MQTTClient_message *receive(Session *s, char *from, size_t size) {
  char *got = NULL;
  int length = 0;
  MQTTClient_message *m = NULL;
  must("receive", MQTTClient_receive(s->client, &got, &length, &m, PATIENCE));
  if (!m) {
    printf("FAIL receive: nothing came\n");
    exit(1);
  }
  if (from) snprintf(from, size, "%s", got);
  MQTTClient_free(got);
  return m;
}

static void want(Session *s, const char *what, const char *text) {
  MQTTClient_message *m = receive(s, NULL, 0);
  check(what, m->payloadlen == (int)strlen(text) && memcmp(m->payload, text, strlen(text)) == 0, "got %.*s, want %s", m->payloadlen, (char *)m->payload, text);
  MQTTClient_freeMessage(&m);
}

// quiet fails if something comes before a message to oneself that was sent last.
static void quiet(Session *s, const char *what) {
  char sentinel[300];
  snprintf(sentinel, sizeof sentinel, "%s/sentinel", topic);
  must("subscribe", subscribe(s, sentinel, 1));
  put(s, sentinel, "sentinel", 1);
  want(s, what, "sentinel");
  unsubscribe(s, sentinel);
}

static void leave(Session *s) {
  must("disconnect", MQTTClient_disconnect(s->client, 5000));
  MQTTClient_destroy(&s->client);
}

static void roundtrip(void) {
  Session s = session("", 1, 0, NULL);
  char all[256], at[300], from[300];
  for (int i = 0; i < 256; i++) all[i] = (char)i;
  for (int qos = 0; qos < 3; qos++) {
    snprintf(at, sizeof at, "%s/%d", topic, qos);
    check("granted", subscribe(&s, at, qos) == qos, "another");
    publish(&s, at, all, sizeof all, qos, 0, NULL);
    MQTTClient_message *m = receive(&s, from, sizeof from);
    check("payload", m->payloadlen == sizeof all && memcmp(m->payload, all, sizeof all) == 0, "differs");
    check("topic", strcmp(from, at) == 0, "%s", from);
    check("QoS", m->qos == qos && !m->retained && !m->dup, "%d %d %d", m->qos, m->retained, m->dup);
    MQTTClient_freeMessage(&m);
    put(&s, at, "Grüße € 😀", qos);
    want(&s, "text", "Grüße € 😀");
  }
  leave(&s);
}

static void big(void) {
  Session s = session("", 1, 0, NULL);
  must("subscribe", subscribe(&s, topic, 2));
  int size = 1 << 20;
  char *payload = malloc(size);
  for (int i = 0; i < size; i++) payload[i] = (char)(i * 7);
  for (int qos = 0; qos < 3; qos++) {
    publish(&s, topic, payload, size, qos, 0, NULL);
    MQTTClient_message *m = receive(&s, NULL, 0);
    check("1 MiB", m->payloadlen == size && memcmp(m->payload, payload, size) == 0, "differs");
    MQTTClient_freeMessage(&m);
  }
  free(payload);
  leave(&s);
}

// The library looks for a confirmation ten times a second only.
static void burst(void) {
  Session r = session("r", 1, 0, NULL), s = session("w", 1, 0, NULL);
  char all[300], at[300], text[16];
  snprintf(all, sizeof all, "%s/#", topic);
  must("subscribe", subscribe(&r, all, 2));
  int next[2] = {0, 1};
  for (int i = 0; i < 60; i++) {
    snprintf(at, sizeof at, "%s/%d", topic, 1 + i % 2);
    snprintf(text, sizeof text, "%d", i);
    put(&s, at, text, 1 + i % 2);
  }
  int ordered = 1;
  for (int i = 0; i < 60; i++) {
    MQTTClient_message *m = receive(&r, NULL, 0);
    snprintf(text, sizeof text, "%.*s", m->payloadlen, (char *)m->payload);
    int n = atoi(text);
    ordered = ordered && n == next[n % 2];
    next[n % 2] = n + 2;
    MQTTClient_freeMessage(&m);
  }
  check("order", ordered, "it is another");
  quiet(&r, "each once");
  leave(&r);
  leave(&s);
}

static void retained(void) {
  Session s = session("w", 1, 0, NULL), r = session("r", 1, 0, NULL);
  publish(&s, topic, "kept", 4, 1, 1, NULL);
  must("subscribe", subscribe(&r, topic, 1));
  MQTTClient_message *m = receive(&r, NULL, 0);
  check("kept", m->retained && m->payloadlen == 4, "retained %d, %d bytes", m->retained, m->payloadlen);
  MQTTClient_freeMessage(&m);
  publish(&s, topic, "", 0, 1, 1, NULL);
  want(&r, "cleared", "");
  unsubscribe(&r, topic);
  must("subscribe", subscribe(&r, topic, 1));
  quiet(&r, "nothing is kept");
  leave(&r);
  leave(&s);
}

static void wildcard(void) {
  Session s = session("", 1, 0, NULL);
  char at[300];
  const char *filters[] = {"/+/c", "/d/#"}, *names[] = {"/a/c", "/a/x", "/a/b/c", "/d", "/d/e/f", "//c"}, *matched[] = {"/a/c", "/d", "/d/e/f", "//c"};
  for (int i = 0; i < 2; i++) {
    snprintf(at, sizeof at, "%s%s", topic, filters[i]);
    must("subscribe", subscribe(&s, at, 1));
  }
  for (int i = 0; i < 6; i++) {
    snprintf(at, sizeof at, "%s%s", topic, names[i]);
    put(&s, at, names[i], 1);
  }
  for (int i = 0; i < 4; i++) want(&s, "matched", matched[i]);
  quiet(&s, "nothing else");
  leave(&s);
}

static void unsubscribing(void) {
  Session s = session("", 1, 0, NULL);
  must("subscribe", subscribe(&s, topic, 1));
  put(&s, topic, "one", 1);
  want(&s, "before", "one");
  unsubscribe(&s, topic);
  put(&s, topic, "two", 1);
  quiet(&s, "nothing after");
  leave(&s);
}

static void keeping(void) {
  Session s = session("s", 0, 300, NULL), w = session("w", 1, 0, NULL);
  char text[16];
  must("subscribe", subscribe(&s, topic, 2));
  leave(&s);
  for (int i = 0; i < 20; i++) {
    snprintf(text, sizeof text, "%d", i);
    put(&w, topic, text, 1 + i % 2);
  }
  s = session("s", 0, 300, NULL);
  if (strcmp(version, "3.1.1") == 0 && strcmp(peer, "activemq") != 0) check("session present", s.present == 1, "%d", s.present);
  int sum = 0;
  for (int i = 0; i < 20; i++) {
    MQTTClient_message *m = receive(&s, NULL, 0);
    snprintf(text, sizeof text, "%.*s", m->payloadlen, (char *)m->payload);
    sum += atoi(text);
    MQTTClient_freeMessage(&m);
  }
  check("kept", sum == 190, "sum %d", sum);
  leave(&s);
  s = session("s", 1, 0, NULL);
  put(&w, topic, "lost", 1);
  quiet(&s, "discarded");
  leave(&s);
  leave(&w);
}

static void properties(void) {
  if (!five) {
    printf("SKIP properties: not in %s\n", version);
    return;
  }
  Session s = session("", 1, 0, NULL);
  must("subscribe", subscribe(&s, topic, 1));
  MQTTProperties sent = MQTTProperties_initializer;
  for (int i = 0; i < 3; i++) {
    char value[2] = {(char)('1' + i), 0};
    MQTTProperty p = {.identifier = MQTTPROPERTY_CODE_USER_PROPERTY};
    p.value.data = (MQTTLenString){1, i == 1 ? "a" : "b"};
    p.value.value = (MQTTLenString){1, value};
    MQTTProperties_add(&sent, &p);
  }
  MQTTProperty type = {.identifier = MQTTPROPERTY_CODE_CONTENT_TYPE, .value.data = {10, "text/plain"}};
  MQTTProperty correlation = {.identifier = MQTTPROPERTY_CODE_CORRELATION_DATA, .value.data = {2, "\0\xff"}};
  MQTTProperty expiry = {.identifier = MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL, .value.integer4 = 100};
  MQTTProperties_add(&sent, &type);
  MQTTProperties_add(&sent, &correlation);
  MQTTProperties_add(&sent, &expiry);
  publish(&s, topic, "x", 1, 1, 0, &sent);
  MQTTClient_message *m = receive(&s, NULL, 0);
  char order[16] = "";
  for (int i = 0; i < MQTTProperties_propertyCount(&m->properties, MQTTPROPERTY_CODE_USER_PROPERTY); i++) {
    MQTTProperty *p = MQTTProperties_getPropertyAt(&m->properties, MQTTPROPERTY_CODE_USER_PROPERTY, i);
    snprintf(order + 2 * i, sizeof order - 2 * i, "%c%c", p->value.data.data[0], p->value.value.data[0]);
  }
  check("user properties", strcmp(order, "b1a2b3") == 0, "%s", order);
  MQTTProperty *p = MQTTProperties_getProperty(&m->properties, MQTTPROPERTY_CODE_CORRELATION_DATA);
  check("correlation data", p && p->value.data.len == 2 && memcmp(p->value.data.data, "\0\xff", 2) == 0, "differs");
  p = MQTTProperties_getProperty(&m->properties, MQTTPROPERTY_CODE_CONTENT_TYPE);
  check("content type", p && p->value.data.len == 10 && memcmp(p->value.data.data, "text/plain", 10) == 0, "differs");
  long left = MQTTProperties_getNumericValue(&m->properties, MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL);
  check("expiry", left >= 90 && left <= 100, "%ld", left);
  MQTTClient_freeMessage(&m);
  MQTTProperties_free(&sent);
  leave(&s);
}

static void cannot(void) { printf("SKIP it: the library can't be made to do it\n"); }

int main(int argc, char **argv) {
  struct option options[] = {{"host", 1, 0, 'h'}, {"port", 1, 0, 'p'}, {"name", 1, 0, 'n'}, {"version", 1, 0, 'v'}, {"transport", 1, 0, 't'},
    {"user", 1, 0, 'u'}, {"password", 1, 0, 'w'}, {"ca", 1, 0, 'a'}, {"cert", 1, 0, 'c'}, {"key", 1, 0, 'k'}, {"peer", 1, 0, 'e'}, {0}};
  for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    switch (o) {
      case 'h': host = optarg; break;
      case 'p': port = optarg; break;
      case 'n': name = optarg; break;
      case 'v': version = optarg; break;
      case 't': transport = optarg; break;
      case 'u': user = optarg; break;
      case 'w': password = optarg; break;
      case 'a': ca = optarg; break;
      case 'c': cert = optarg; break;
      case 'e': peer = optarg; break;
      case 'k': key = optarg; break;
      default: return 2;
    }
  }
  five = strcmp(version, "5") == 0;
  snprintf(topic, sizeof topic, "foreign/%s", name);
  MQTTClient_init_options init = MQTTClient_init_options_initializer;
  init.do_openssl_init = 1;
  MQTTClient_global_init(&init);
  struct { const char *name; void (*run)(void); } commands[] = {{"roundtrip", roundtrip}, {"big", big}, {"burst", burst}, {"retained", retained},
    {"wildcard", wildcard}, {"unsubscribe", unsubscribing}, {"session", keeping}, {"properties", properties}, {"will", cannot}, {"takeover", cannot}, {"shared", cannot}};
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    if (optind < argc && strcmp(argv[optind], commands[i].name) == 0) {
      commands[i].run();
      return failed;
    }
  }
  printf("FAIL unknown command\n");
  return 2;
}
