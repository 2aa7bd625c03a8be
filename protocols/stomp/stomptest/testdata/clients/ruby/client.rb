#!/usr/bin/ruby
# Drives the stomp gem against a broker; see ../README.md.
require 'optparse'
require 'timeout'
require 'stomp'

PATIENCE = 20

# Driver runs one command over one or more connections.
class Driver
  COMMANDS = %w[roundtrip headers bigbody ack nack tx selector durable tempqueue heartbeat].freeze

  attr_reader :failed

  def initialize(arg)
    @arg = arg
    @receipts = 0
    @inbox = Hash.new { |h, k| h[k] = [] }
    @queue = "/queue/foreign.#{arg[:name]}"
    @topic = "/topic/foreign.#{arg[:name]}"
  end

  def check(what, good, why = '')
    puts good ? "PASS #{what}" : "FAIL #{what}: #{why}"
    @failed = true unless good
  end

  def same(what, got, want)
    check(what, got == want, "got #{got.inspect}, want #{want.inspect}")
  end

  def run(command)
    raise "unknown command #{command}" unless COMMANDS.include?(command)

    Timeout.timeout(3 * PATIENCE) { send(command) }
  rescue StandardError, Timeout::Error => e
    check(command, false, "#{e.class}: #{e.message}")
  end

  private

  def ssl
    return false unless @arg[:ca]

    files = { ts_files: @arg[:ca], use_ruby_ciphers: true }
    files.update(cert_file: @arg[:cert], key_file: @arg[:key]) if @arg[:cert]
    Stomp::SSLParams.new(files)
  end

  def connection(headers = {})
    connect = { 'accept-version' => @arg[:version], 'host' => @arg[:host] }.merge(headers)
    host = { host: @arg[:host], port: @arg[:port], login: @arg[:user] || '', passcode: @arg[:password] || '', ssl: ssl }
    conn = Stomp::Connection.new(hosts: [host], reliable: false, connect_headers: connect, stompconn: @arg[:version] != '1.0')
    raise "not connected: #{conn.connection_frame}" unless conn.connection_frame.command == 'CONNECTED'

    conn
  end

  def id
    @receipts += 1
    "r#{@receipts}"
  end

  def await(conn, receipt)
    loop do
      frame = conn.receive
      raise 'connection closed' if frame.nil?
      return if frame.command == 'RECEIPT' && frame.headers['receipt-id'] == receipt
      raise "unexpected #{frame}" unless frame.command == 'MESSAGE'

      @inbox[conn] << frame
    end
  end

  # put sends a text, which is a message without content-length.
  def put(conn, destination, body, headers = {})
    put_bytes(conn, destination, body, { suppress_content_length: true }.merge(headers))
  end

  def put_bytes(conn, destination, body, headers = {})
    receipt = id
    conn.publish(destination, body, { receipt: receipt }.merge(headers))
    await(conn, receipt)
  end

  def listen(conn, destination, headers = {}, sub = '1')
    receipt = id
    conn.subscribe(destination, { id: sub, receipt: receipt }.merge(headers))
    await(conn, receipt)
  end

  def leave(conn, destination, headers = {}, sub = '1')
    receipt = id
    conn.unsubscribe(destination, { id: sub, receipt: receipt }.merge(headers))
    await(conn, receipt)
  end

  def message(conn)
    return @inbox[conn].shift unless @inbox[conn].empty?

    frame = conn.receive
    raise "unexpected #{frame}" unless frame&.command == 'MESSAGE'

    frame
  end

  def quiet(conn, what)
    put(conn, '/topic/foreign.sync', 'sync')
    check(what, @inbox[conn].empty?, 'an unexpected message came')
  end

  def settle(conn, method, frame, headers = {})
    if @arg[:version] == '1.2'
      conn.send(method, frame.headers['ack'], headers)
    else
      headers = headers.merge(subscription: frame.headers['subscription']) if @arg[:version] == '1.1'
      conn.send(method, frame.headers['message-id'], headers)
    end
  end

  def roundtrip
    conn = connection
    listen(conn, @queue)
    put(conn, @queue, 'hello Grüße € 😀')
    frame = message(conn)
    same('body', frame.body.dup.force_encoding('UTF-8'), 'hello Grüße € 😀')
    same('destination', frame.headers['destination'], @queue)
    put_bytes(conn, @queue, "a\0b")
    frame = message(conn)
    same('bytes', frame.body, "a\0b")
    same('content-length', frame.headers['content-length'], '3')
    leave(conn, @queue)
    conn.disconnect(receipt: 'bye')
    same('disconnect receipt', conn.disconnect_receipt.headers['receipt-id'], 'bye')
  end

  def headers
    conn = connection
    listen(conn, @queue)
    sent = { 'color' => 'red', 'priority' => '7', 'correlation-id' => 'c-1', 'type' => 'order', 'persistent' => 'true',
             'reply-to' => '/queue/back', 'expires' => '9999999999999', 'content-type' => 'text/plain' }
    sent['odd'] = "a:b\nd" unless @arg[:version] == '1.0'
    put(conn, @queue, 'one', sent)
    frame = message(conn)
    # the library gives repeated headers as a list, and decoded values as they are
    sent.each { |name, want| same(name, [frame.headers[name]].flatten.first, want) }
  end

  def bigbody
    conn = connection
    listen(conn, @queue)
    body = '0123456789abcdef' * ((2 << 20) / 16)
    put_bytes(conn, @queue, body)
    check('2 MiB', message(conn).body == body, 'the body differs')
  end

  def ack
    conn = connection
    listen(conn, @queue, ack: 'client-individual')
    %w[one two three].each { |body| put(conn, @queue, body) }
    got = Array.new(3) { message(conn) }
    same('bodies', got.map(&:body), %w[one two three])
    settle(conn, :ack, got[1])
    quiet(conn, 'acknowledged')
    conn.disconnect
    other = connection
    listen(other, @queue)
    got = Array.new(2) { message(other) }
    same('redelivered bodies', got.map(&:body), %w[one three])
    same('redelivered flag', got[0].headers['redelivered'], 'true')
    quiet(other, 'nothing else')
  end

  def nack
    return puts('SKIP nack: not in 1.0') if @arg[:version] == '1.0'

    conn = connection
    dlq = connection
    listen(dlq, '/queue/ActiveMQ.DLQ', selector: "run = '#{@arg[:name]}'")
    listen(conn, @queue, ack: 'client-individual')
    put(conn, @queue, 'one', persistent: 'true', run: @arg[:name])
    settle(conn, :nack, message(conn))
    same('original-destination', message(dlq).headers['original-destination'], @queue)
  end

  def tx
    conn = connection
    listen(conn, @queue, ack: 'client-individual')
    conn.begin('t')
    put(conn, @queue, 'lost', transaction: 't')
    conn.abort('t')
    conn.begin('u')
    %w[one two].each { |body| put(conn, @queue, body, transaction: 'u') }
    quiet(conn, 'nothing before commit')
    conn.commit('u')
    got = Array.new(2) { message(conn) }
    same('committed', got.map(&:body), %w[one two])
    conn.begin('v')
    got.each { |frame| settle(conn, :ack, frame, transaction: 'v') }
    conn.commit('v')
    leave(conn, @queue)
    listen(conn, @queue, {}, '2')
    quiet(conn, 'nothing after commit of acks')
  end

  def selector
    conn = connection
    listen(conn, @topic, selector: "n > 5 AND color LIKE 'r%'")
    [%w[7 red], %w[3 red], %w[8 blue], %w[10 rose]].each { |n, color| put(conn, @topic, n, n: n, color: color) }
    same('selected', Array.new(2) { message(conn).body }, %w[7 10])
    quiet(conn, 'nothing else')
  end

  def durable
    name = { 'activemq.subscriptionName': @arg[:name] }
    conn = connection('client-id' => @arg[:name])
    listen(conn, @topic, name)
    conn.disconnect(receipt: 'bye')
    put(connection, @topic, 'offline', persistent: 'true')
    conn = connection('client-id' => @arg[:name])
    listen(conn, @topic, name)
    same('kept', message(conn).body, 'offline')
    leave(conn, @topic)
    leave(conn, @topic, name)
    quiet(conn, 'deleted')
  end

  def tempqueue
    asker = connection
    server = connection
    listen(asker, '/temp-queue/replies')
    listen(server, @queue)
    put(asker, @queue, 'question', 'reply-to': '/temp-queue/replies')
    reply = message(server).headers['reply-to']
    check('remote name', reply.start_with?('/remote-temp-queue/'), reply)
    put(server, reply, 'answer')
    same('answer', message(asker).body, 'answer')
  end

  # The library sends and receives beats on threads of its own as long as nobody reads.
  def heartbeat
    return puts('SKIP heartbeat: not in 1.0') if @arg[:version] == '1.0'

    conn = connection('heart-beat' => '2000,500')
    check('agreed to send', conn.hbsend_interval.positive?, conn.hbsend_interval)
    check('agreed to receive', conn.hbrecv_interval.positive?, conn.hbrecv_interval)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + PATIENCE
    while conn.hbsend_count < 2 || conn.hbrecv_count < 4
      raise 'no beats' if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

      sleep 0.05
    end
    listen(conn, @queue)
    quiet(conn, 'still connected after several beats')
  end
end

command = ARGV.shift
arg = { host: '127.0.0.1', version: '1.2' }
OptionParser.new do |o|
  %i[host name version user password ca cert key].each { |name| o.on("--#{name} VALUE") { |v| arg[name] = v } }
  o.on('--port PORT', Integer) { |v| arg[:port] = v }
end.parse!
driver = Driver.new(arg)
driver.run(command)
exit(driver.failed ? 1 : 0)
