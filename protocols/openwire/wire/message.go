package wire

// Message is a message of any kind. Its fields have the names and meanings of the specification.
type Message struct {
	Kind Type
	Base
	ProducerID                *ProducerID
	Destination               *Destination
	TransactionID             *TransactionID
	OriginalDestination       *Destination
	MessageID                 *MessageID
	OriginalTransactionID     *TransactionID
	GroupID                   Text
	GroupSequence             int32
	CorrelationID             Text
	Persistent                bool
	Expiration                int64
	Priority                  int8
	ReplyTo                   *Destination
	Timestamp                 int64
	JMSType                   Text
	Content                   []byte
	MarshalledProperties      []byte
	DataStructure             Structure
	TargetConsumerID          *ConsumerID
	Compressed                bool
	RedeliveryCounter         int32
	BrokerPath                []*BrokerID
	Arrival                   int64
	UserID                    Text
	ReceivedByDFBridge        bool
	Droppable                 bool
	Cluster                   []*BrokerID
	BrokerInTime              int64
	BrokerOutTime             int64
	JMSXGroupFirstForConsumer bool

	RemoteBlobURL, MimeType Text // of a blob message
	DeletedByBroker         bool
}

// Type implements Structure.
func (m *Message) Type() Type { return m.Kind }

func (m *Message) read(r *unmarshaller) {
	m.Base.read(r)
	m.ProducerID = as[*ProducerID](r, r.cached())
	m.Destination = as[*Destination](r, r.cached())
	m.TransactionID = as[*TransactionID](r, r.cached())
	m.OriginalDestination = as[*Destination](r, r.cached())
	m.MessageID = as[*MessageID](r, r.nested())
	m.OriginalTransactionID = as[*TransactionID](r, r.cached())
	m.GroupID = r.text()
	m.GroupSequence = r.int32()
	m.CorrelationID = r.text()
	m.Persistent = r.bool()
	m.Expiration = r.int64()
	m.Priority = r.int8()
	m.ReplyTo = as[*Destination](r, r.nested())
	m.Timestamp = r.int64()
	m.JMSType = r.text()
	m.Content = r.bytes()
	m.MarshalledProperties = r.bytes()
	m.DataStructure = r.nested()
	m.TargetConsumerID = as[*ConsumerID](r, r.cached())
	m.Compressed = r.bool()
	m.RedeliveryCounter = r.int32()
	m.BrokerPath = arrayOf[*BrokerID](r)
	m.Arrival = r.int64()
	m.UserID = r.text()
	m.ReceivedByDFBridge = r.bool()
	if r.version >= 2 {
		m.Droppable = r.bool()
	}
	if r.version >= 3 {
		m.Cluster = arrayOf[*BrokerID](r)
		m.BrokerInTime = r.int64()
		m.BrokerOutTime = r.int64()
	}
	if r.version >= 10 {
		m.JMSXGroupFirstForConsumer = r.bool()
	}
	if m.Kind == TypeBlobMessage && r.version >= 3 {
		m.RemoteBlobURL = r.text()
		m.MimeType = r.text()
		m.DeletedByBroker = r.bool()
	}
}

func (m *Message) write(w *marshaller) {
	m.Base.write(w)
	cached(w, m.ProducerID)
	cached(w, m.Destination)
	cached(w, m.TransactionID)
	cached(w, m.OriginalDestination)
	nested(w, m.MessageID)
	cached(w, m.OriginalTransactionID)
	w.text(m.GroupID)
	w.int32(m.GroupSequence)
	w.text(m.CorrelationID)
	w.bool(m.Persistent)
	w.int64(m.Expiration)
	w.int8(m.Priority)
	nested(w, m.ReplyTo)
	w.int64(m.Timestamp)
	w.text(m.JMSType)
	w.bytes(m.Content)
	w.bytes(m.MarshalledProperties)
	w.nested(m.DataStructure)
	cached(w, m.TargetConsumerID)
	w.bool(m.Compressed)
	w.int32(m.RedeliveryCounter)
	writeArray(w, m.BrokerPath)
	w.int64(m.Arrival)
	w.text(m.UserID)
	w.bool(m.ReceivedByDFBridge)
	if w.version >= 2 {
		w.bool(m.Droppable)
	}
	if w.version >= 3 {
		writeArray(w, m.Cluster)
		w.int64(m.BrokerInTime)
		w.int64(m.BrokerOutTime)
	}
	if w.version >= 10 {
		w.bool(m.JMSXGroupFirstForConsumer)
	}
	if m.Kind == TypeBlobMessage && w.version >= 3 {
		w.text(m.RemoteBlobURL)
		w.text(m.MimeType)
		w.bool(m.DeletedByBroker)
	}
}
