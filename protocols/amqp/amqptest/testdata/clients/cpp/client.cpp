// Drives qpid-proton's C++ binding against a broker; see ../README.md.
#include <proton/annotation_key.hpp>
#include <proton/binary.hpp>
#include <proton/connection.hpp>
#include <proton/connection_options.hpp>
#include <proton/container.hpp>
#include <proton/delivery.hpp>
#include <proton/delivery_mode.hpp>
#include <proton/error_condition.hpp>
#include <proton/map.hpp>
#include <proton/message.hpp>
#include <proton/message_id.hpp>
#include <proton/messaging_handler.hpp>
#include <proton/receiver.hpp>
#include <proton/receiver_options.hpp>
#include <proton/reconnect_options.hpp>
#include <proton/scalar.hpp>
#include <proton/sender.hpp>
#include <proton/sender_options.hpp>
#include <proton/session.hpp>
#include <proton/source.hpp>
#include <proton/source_options.hpp>
#include <proton/ssl.hpp>
#include <proton/symbol.hpp>
#include <proton/target.hpp>
#include <proton/target_options.hpp>
#include <proton/timestamp.hpp>
#include <proton/tracker.hpp>
#include <proton/transport.hpp>
#include <proton/types.hpp>
#include <proton/uuid.hpp>
#include <proton/value.hpp>
#include <proton/work_queue.hpp>

#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

std::map<std::string, std::string> args;
bool failed = false;

void check(const std::string& what, bool ok, const std::string& why = "") {
  std::cout << (ok ? "PASS " + what : "FAIL " + what + ": " + why) << std::endl;
  failed = failed || !ok;
}

template <class T>
std::string text(const T& v) {
  std::ostringstream s;
  s << v;
  return s.str();
}

template <class T>
void same(const std::string& what, const T& got, const T& want) {
  check(what, got == want, "got " + text(got) + ", want " + text(want));
}

bool rabbit() { return args["peer"] == "rabbitmq"; }
std::string queue(const std::string& suffix = "") { return (rabbit() ? "/queue/" : "queue://foreign.") + args["name"] + suffix; }
std::string topic(const std::string& suffix = "") { return (rabbit() ? "/topic/" : "topic://foreign.") + args["name"] + suffix; }

// Driver is a handler that connects, and closes when its work is done or its time is over.
class Driver : public proton::messaging_handler {
 public:
  proton::connection connection;
  std::vector<std::string> got;
  std::string mechanism, password = args["password"], container;
  bool done = false, closed = false, expect_error = false;
  int accepted = 0;

  virtual void begin() = 0;

  proton::connection_options options() {
    proton::connection_options o;
    o.reconnect(proton::reconnect_options().max_attempts(1));
    o.sasl_enabled(true);
    o.sasl_allow_insecure_mechs(true);
    if (!args["user"].empty() && mechanism != "EXTERNAL") {
      o.user(args["user"]).password(password).sasl_allowed_mechs("PLAIN");
    } else if (mechanism == "EXTERNAL") {
      o.sasl_allowed_mechs("EXTERNAL");
    } else {
      o.sasl_allowed_mechs("ANONYMOUS");
    }
    if (!args["ca"].empty()) {
      if (!args["cert"].empty()) {
        proton::ssl_certificate cert(args["cert"], args["key"]);
        o.ssl_client_options(proton::ssl_client_options(cert, args["ca"], proton::ssl::VERIFY_PEER));
      } else {
        o.ssl_client_options(proton::ssl_client_options(args["ca"], proton::ssl::VERIFY_PEER));
      }
    }
    if (!container.empty()) o.container_id(container);
    return o;
  }

  void on_container_start(proton::container& c) override {
    std::string scheme = args["ca"].empty() ? "amqp://" : "amqps://";
    c.connect(scheme + args["host"] + ":" + args["port"], options());
    watch(c, 200);
  }

  // What is scheduled keeps the container alive and can't be cancelled, so the time is looked at in short steps.
  void watch(proton::container& c, int left) {
    c.schedule(100 * proton::duration::MILLISECOND, [this, &c, left]() {
      if (closed) return;
      if (left > 0) return watch(c, left - 1);
      if (!done) check("in time", false, "only " + text(got.size()) + " messages and " + text(accepted) + " outcomes came");
      c.stop();
    });
  }

  void on_connection_open(proton::connection& c) override {
    if (connection.active()) return;
    connection = c;
    begin();
  }

  void finish() {
    done = true;
    connection.close();
  }

  void on_connection_close(proton::connection& c) override {
    closed = true;
    c.container().stop();
  }
  void on_tracker_accept(proton::tracker& t) override { ++accepted; }
  void on_error(const proton::error_condition& e) override {
    if (!expect_error && !done) check("no error", false, e.what());
    done = true;
  }
};

void run(Driver& d) { proton::container(d, "cpp-" + args["name"]).run(); }

proton::receiver_options receives(int credit, bool automatic = true) {
  return proton::receiver_options().credit_window(credit).auto_accept(automatic);
}

proton::message durable(const proton::value& body) {
  proton::message m(body);
  m.durable(true);
  return m;
}

// RoundTrip sends some messages when its receiver is there, and collects what comes.
class RoundTrip : public Driver {
 public:
  std::vector<proton::message> messages, received;
  std::string address = queue();
  proton::sender sender;

  void begin() override { connection.open_receiver(address, receives(10)); }
  void on_receiver_open(proton::receiver& r) override { sender = connection.open_sender(address); }
  void on_sender_open(proton::sender& s) override {
    for (auto& m : messages) s.send(m);
  }
  void on_message(proton::delivery& d, proton::message& m) override {
    received.push_back(m);
    if (received.size() == messages.size()) finish();
  }
};

void roundtrip() {
  RoundTrip d;
  std::vector<proton::value> bodies = {std::string("one"), std::string("Grüße 😀"), proton::binary("\x01\x02"), int32_t(7), true, 2.5};
  if (rabbit()) bodies.resize(3);
  for (auto& b : bodies) d.messages.push_back(durable(b));
  run(d);
  for (size_t i = 0; i < d.received.size(); ++i) same("body " + text(i), text(d.received[i].body()), text(bodies[i]));
}

void types() {
  RoundTrip d;
  std::map<std::string, proton::scalar> want = {
      {"bool", true}, {"ubyte", uint8_t(200)}, {"ushort", uint16_t(60000)}, {"uint", uint32_t(4000000000u)}, {"ulong", uint64_t(1) << 63}, {"byte", int8_t(-5)},
      {"short", int16_t(-5)}, {"int", int32_t(-5)}, {"long", int64_t(-5)}, {"float", 1.5f}, {"double", 2.5}, {"char", wchar_t(0x20ac)},
      {"timestamp", proton::timestamp(1700000000123)}, {"uuid", proton::uuid::copy("0123456789abcdef")}, {"binary", proton::binary("\x01\x02")},
      {"string", std::string("ü")}, {"symbol", proton::symbol("s")},
  };
  proton::message m = durable(std::string("x"));
  for (auto& p : want) m.properties().put(p.first, p.second);
  d.messages.push_back(m);
  run(d);
  if (d.received.empty()) return;
  for (auto& p : want) {
    proton::scalar v = d.received[0].properties().get(p.first);
    check(p.first, v.type() == p.second.type() && text(v) == text(p.second), "got " + text(v) + " of type " + text(v.type()));
  }
}

void ids() {
  RoundTrip d;
  std::vector<proton::message_id> list = {std::string("text"), std::string("ID:jms:1"), uint64_t(7), proton::uuid::copy("0123456789abcdef"), proton::binary("\x01\x02")};
  for (auto& id : list) {
    proton::message m = durable(std::string("x"));
    m.id(id);
    m.correlation_id(id);
    d.messages.push_back(m);
  }
  run(d);
  for (size_t i = 0; i < d.received.size(); ++i) {
    same("id " + text(list[i]), d.received[i].id(), list[i]);
    same("correlation id " + text(list[i]), d.received[i].correlation_id(), list[i]);
  }
}

void modes() {
  class Settled : public RoundTrip {
   public:
    void begin() override { connection.open_receiver(address, receives(10).delivery_mode(proton::delivery_mode::AT_MOST_ONCE)); }
    void on_receiver_open(proton::receiver& r) override {
      sender = connection.open_sender(address, proton::sender_options().delivery_mode(proton::delivery_mode::AT_MOST_ONCE));
    }
  } d;
  d.messages = {durable(std::string("a")), durable(std::string("b"))};
  run(d);
  check("settled", d.received.size() == 2, "got " + text(d.received.size()));
  RoundTrip u;
  u.messages = {durable(std::string("c"))};
  run(u);
  check("unsettled", u.received.size() == 1, "got " + text(u.received.size()));
}

void outcomes() {
  class Outcomes : public RoundTrip {
   public:
    int step = 0;
    proton::source_options source;
    void begin() override { connection.open_receiver(address, receives(1, false)); }
    void on_message(proton::delivery& d, proton::message& m) override {
      switch (step++) {
        case 0:
          same<uint32_t>("first", m.delivery_count(), 0);
          d.release();
          break;
        case 1:
          same<uint32_t>("released", m.delivery_count(), 0);
          d.modify();
          break;
        case 2:
          check("came again", true);
          d.reject();
          source = filtered();
          connection.open_receiver("queue://ActiveMQ.DLQ", receives(1, false).source(source));
          break;
        case 3:
          same<std::string>("rejected", text(m.body()), "poison");
          d.accept();
          finish();
      }
    }
    proton::source_options filtered() {
      proton::source::filter_map filter;
      proton::value selector;
      proton::codec::encoder enc(selector);
      enc << proton::codec::start::described() << proton::symbol("apache.org:selector-filter:string") << "k = '" + args["name"] + "'" << proton::codec::finish();
      filter.put("selector", selector);
      return proton::source_options().filters(filter);
    }
    void on_receiver_open(proton::receiver& r) override {
      if (step == 0) sender = connection.open_sender(address);
    }
  } d;
  proton::message m = durable(std::string("poison"));
  m.properties().put("k", args["name"]);
  d.messages.push_back(m);
  run(d);
}

void credit() {
  class Credit : public Driver {
   public:
    proton::receiver receiver;
    bool drained = false;
    void begin() override { connection.open_sender(queue()); }
    void on_sender_open(proton::sender& s) override {
      for (int i = 0; i < 5; ++i) s.send(durable(text(i)));
    }
    void on_tracker_accept(proton::tracker& t) override {
      if (++accepted == 5) receiver = connection.open_receiver(queue(), receives(0));
    }
    void on_receiver_open(proton::receiver& r) override { r.add_credit(2); }
    void on_message(proton::delivery& d, proton::message& m) override {
      got.push_back(proton::get<std::string>(m.body()));
      if (got.size() == 2) {
        receiver.add_credit(10);
        receiver.drain();
      }
    }
    void on_receiver_drain_finish(proton::receiver& r) override {
      drained = true;
      finish();
    }
  } d;
  run(d);
  check("drained", d.drained);
  same<size_t>("messages", d.got.size(), 5);
}

void durable_subscription() {
  class Durable : public Driver {
   public:
    int life = 0;
    proton::receiver_options subscription() {
      proton::source_options source;
      source.durability_mode(proton::source::UNSETTLED_STATE).expiry_policy(proton::source::NEVER);
      return receives(10).name("sub").source(source);
    }
    void begin() override { connection.open_receiver(topic(), subscription()); }
    void on_receiver_open(proton::receiver& r) override {
      if (life == 0) {
        r.detach();
        connection.open_sender(topic());
      }
    }
    void on_sender_open(proton::sender& s) override {
      s.send(durable(std::string("1")));
      s.send(durable(std::string("2")));
    }
    void on_tracker_accept(proton::tracker& t) override {
      if (++accepted == 2) finish();
    }
    void on_message(proton::delivery& d, proton::message& m) override {
      got.push_back(proton::get<std::string>(m.body()));
      d.accept();
      if (got.size() == 2) {
        d.receiver().close();
        done = true;
      }
    }
    void on_receiver_close(proton::receiver& r) override {
      if (done) finish();
    }
    void on_receiver_detach(proton::receiver& r) override {}
  };
  Durable first;
  first.container = "client-" + args["name"];
  run(first);
  Durable second;
  second.container = first.container;
  second.life = 1;
  run(second);
  same<size_t>("while away", second.got.size(), 2);
}

void dynamic() {
  class Dynamic : public Driver {
   public:
    proton::receiver replies, work;
    proton::sender requests, answers;
    void begin() override { 
      proton::source_options source;
      replies = connection.open_receiver("", receives(10).source(source.dynamic(true)));
    }
    void on_receiver_open(proton::receiver& r) override {
      if (r == replies) {
        check("address", !r.source().address().empty());
        work = connection.open_receiver(queue(), receives(10));
      } else {
        requests = connection.open_sender(queue());
      }
    }
    void on_sender_open(proton::sender& s) override {
      if (s == requests) {
        proton::message m = durable(std::string("ping"));
        m.reply_to(replies.source().address());
        m.id(std::string("r-1"));
        s.send(m);
      }
    }
    void on_message(proton::delivery& d, proton::message& m) override {
      if (d.receiver() == work) {
        proton::message a(std::string("pong"));
        a.correlation_id(m.id());
        answers = connection.open_sender(m.reply_to());
        answers.send(a);
        return;
      }
      same<std::string>("reply", text(m.body()) + " " + text(m.correlation_id()), "pong r-1");
      finish();
    }
  } d;
  run(d);
}

void relay() {
  class Relay : public Driver {
   public:
    proton::receiver a;
    void begin() override { connection.open_receiver(queue(".a"), receives(10)); }
    void on_receiver_open(proton::receiver& r) override { connection.open_sender(""); }
    void on_sender_open(proton::sender& s) override {
      proton::message m = durable(std::string("x"));
      m.to(queue(".a"));
      s.send(m);
      s.send(durable(std::string("nowhere")));
    }
    void on_message(proton::delivery& d, proton::message& m) override { got.push_back("message"); end(); }
    void on_tracker_reject(proton::tracker& t) override { got.push_back("rejected"); end(); }
    void end() {
      if (got.size() == 2) finish();
    }
  } d;
  run(d);
  check("relayed and rejected", d.got.size() == 2);
}

void browse() {
  class Browse : public RoundTrip {
   public:
    proton::receiver browser;
    void begin() override { sender = connection.open_sender(address); }
    void on_receiver_open(proton::receiver& r) override {}
    void on_tracker_accept(proton::tracker& t) override {
      proton::source_options source;
      if (++accepted == 2) browser = connection.open_receiver(address, receives(10).source(source.distribution_mode(proton::source::COPY)));
    }
    void on_message(proton::delivery& d, proton::message& m) override {
      received.push_back(m);
      if (received.size() == 2) connection.open_receiver(address, receives(10));
      if (received.size() == 4) finish();
    }
  } d;
  d.messages = {durable(std::string("1")), durable(std::string("2"))};
  run(d);
  same<size_t>("browsed, and still there", d.received.size(), 4);
}

void topics() {
  class Topic : public RoundTrip {
   public:
    int open = 0;
    void begin() override {
      connection.open_receiver(address, receives(10));
      connection.open_receiver(address, receives(10));
    }
    void on_receiver_open(proton::receiver& r) override {
      if (++open == 2) sender = connection.open_sender(address);
    }
    void on_message(proton::delivery& d, proton::message& m) override {
      received.push_back(m);
      if (received.size() == 4) finish();
    }
  } d;
  d.address = topic();
  d.messages = {durable(std::string("a")), durable(std::string("b"))};
  run(d);
  same<size_t>("both got both", d.received.size(), 4);
}

void big() {
  RoundTrip d;
  std::string body;
  for (int i = 0; i < 10 << 20; ++i) body.push_back(char('a' + i % 17));
  d.messages = {durable(proton::binary(body))};
  run(d);
  check("10 MiB", d.received.size() == 1 && proton::get<proton::binary>(d.received[0].body()) == proton::binary(body));
}

void meta() {
  RoundTrip d;
  proton::message m = durable(std::string("there"));
  m.priority(7);
  m.ttl(proton::duration(60000));
  m.user("me");
  m.subject("s");
  m.reply_to("queue://r");
  m.content_type("text/x");
  m.group_id("g");
  m.group_sequence(3);
  m.message_annotations().put(proton::symbol("x-opt-a"), std::string("b"));
  d.messages = {m};
  run(d);
  if (d.received.empty()) return;
  proton::message& r = d.received[0];
  check("header", r.durable() && r.priority() == 7 && r.ttl().milliseconds() > 0 && r.ttl().milliseconds() <= 60000);
  same<std::string>("properties", r.user() + r.subject() + r.reply_to() + r.content_type() + r.group_id() + text(r.group_sequence()), "mesqueue://rtext/xg3");
  same<std::string>("annotation", text(r.message_annotations().get(proton::symbol("x-opt-a"))), "b");
}

void errors() {
  class Errors : public Driver {
   public:
    void begin() override { connection.open_sender("temp-queue://nowhere-" + args["name"]); }
    void on_sender_error(proton::sender& s) override {
      check("no such node", s.error().name().find("amqp:") == 0, s.error().what());
      connection.open_receiver(queue(), receives(10));
    }
    void on_receiver_open(proton::receiver& r) override {
      check("the session lives", true);
      finish();
    }
  } d;
  run(d);
}

void sasl() {
  class Sasl : public Driver {
   public:
    bool open = false;
    void begin() override {
      open = true;
      finish();
    }
    void on_transport_error(proton::transport& t) override { done = true; }
  };
  Sasl d;
  if (args["user"].empty()) {
    run(d);
    check("anonymous", d.open);
    return;
  }
  d.password += "x";
  d.expect_error = true;
  try {
    run(d);
  } catch (const std::exception&) {
  }
  check("wrong password", !d.open, "it was taken");
  if (!args["cert"].empty()) {
    Sasl e;
    e.mechanism = "EXTERNAL";
    run(e);
    check("by certificate", e.open);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string command = argc > 1 ? argv[1] : "";
  for (int i = 2; i + 1 < argc; i += 2) args[std::string(argv[i]).substr(2)] = argv[i + 1];
  std::map<std::string, void (*)()> commands = {
      {"roundtrip", roundtrip}, {"types", types}, {"ids", ids}, {"modes", modes}, {"outcomes", outcomes}, {"credit", credit},
      {"durable", durable_subscription}, {"dynamic", dynamic}, {"relay", relay}, {"browse", browse}, {"topic", topics}, {"big", big},
      {"meta", meta}, {"errors", errors}, {"sasl", sasl},
  };
  auto found = commands.find(command);
  if (found == commands.end() || args.count("ws")) {
    std::cout << "SKIP " << command << ": not with this library" << std::endl;
    return 0;
  }
  try {
    found->second();
  } catch (const std::exception& e) {
    check(command, false, e.what());
  }
  return failed ? 1 : 0;
}
