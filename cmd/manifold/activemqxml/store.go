package activemqxml

import (
	"path/filepath"
	"strings"
	"time"
)

// storage is where messages are kept.
type storage struct {
	data, kaha     string
	line, kahaLine int
	memory         bool
}

// storeClasses are the persistence adapters.
func storeClasses() []class {
	const (
		own     = "the store is Manifold's own; what another one holds is not read"
		index   = "the store tunes itself"
		check   = "checksums are verified always; manifold store check looks through all"
		locking = "the store's directory is locked as long as a broker has it"
	)
	adapters := []string{"kahaDB", "mKahaDB", "memoryPersistenceAdapter", "jdbcPersistenceAdapter", "journalPersistenceAdapter", "journaledJDBC", "levelDB", "replicatedLevelDB", "kahaPersistenceAdapter", "amqPersistenceAdapter"}
	other := func(name string) class {
		return class{name: name, fate: Mapped, option: "store", note: own, open: true}
	}
	return []class{
		{name: "persistenceAdapter", children: adapters},
		{name: "persistenceFactory", fate: Mapped, option: "store", note: own, open: true},
		{
			name: "kahaDB", fate: Mapped, option: "store", note: own,
			attributes: all(
				become("directory", "store.path", "the store has a folder of its own below it"),
				keep("enableJournalDiskSyncs", "store.sync"), keep("journalDiskSyncStrategy", "store.sync"), keep("journalDiskSyncInterval", "store.sync_interval"),
				idle(index, "archiveCorruptedIndex", "archiveDataLogs", "checkpointInterval", "cleanupInterval", "cleanupOnStop", "compactAcksAfterNoGC", "compactAcksIgnoresStoreGrowth",
					"directoryArchive", "enableAckCompaction", "enableIndexDiskSyncs", "enableIndexPageCaching", "enableIndexRecoveryFile", "enableIndexWriteAsync", "enableSubscriptionStatistics",
					"indexCacheSize", "indexDirectory", "indexLFUEvictionFactor", "indexWriteBatchSize", "journalMaxFileLength", "journalMaxWriteBatchSize", "maxAsyncJobs", "preallocationScope",
					"preallocationStrategy", "useIndexLFRUEviction", "scheduledThreadPoolExecutor", "usageManager", "dataFileFactory", "concurrentStoreAndDispatchQueues", "concurrentStoreAndDispatchTopics"),
				idle(check, "checkForCorruptJournalFiles", "checksumJournalFiles", "forceRecoverIndex", "ignoreMissingJournalfiles"),
				idle(locking, "databaseLockedWaitDelay", "lockKeepAlivePeriod", "locker", "useLock", "stopOnError"),
				idle("what producers repeat is known for openwire.reconnect_window", "failoverProducersAuditDepth", "maxFailoverProducersToTrack"),
				idle("prepared transactions wait for their coordinator", "purgeRecoveredXATransactionStrategy", "transactionIdTransformer"),
				idle("the broker knows itself", "brokerName", "brokerService"),
			),
			children: []string{"locker"},
			use:      func(c *converter, n *node) { c.kahaDB(n) },
		},
		gone("locker", locking, false),
		{
			name: "memoryPersistenceAdapter", option: "store.engine", open: false,
			attributes: idle("nothing is on the disk", "brokerName", "createTransactionStore", "directory", "usageManager", "useExternalMessageReferences"),
			use:        func(c *converter, n *node) { c.out.set("store.engine", "memory", n.line) },
		},
		other("mKahaDB"), other("jdbcPersistenceAdapter"), other("journalPersistenceAdapter"), other("journaledJDBC"), other("levelDB"), other("replicatedLevelDB"),
		other("kahaPersistenceAdapter"), other("amqPersistenceAdapter"),
		gone("jobSchedulerStore", "scheduled messages are in the store", false),
		gone("tempDataStore", "what does not fit into memory is in the store", false),
	}
}

func (c *converter) kahaDB(n *node) {
	if v, a := c.text(n, "directory"); a != nil {
		c.store.kaha, c.store.kahaLine = v, a.line
	}
	sync, syncLine := "", 0
	if v, a := c.text(n, "journalDiskSyncStrategy"); a != nil {
		switch strings.ToLower(v) {
		case "always":
			sync = "always"
		case "periodic":
			sync = "interval"
		case "never":
			sync = "never"
		default:
			c.bad(n, a, "always, periodic or never")
		}
		syncLine = a.line
	}
	if v, a := c.boolean(n, "enableJournalDiskSyncs"); a != nil && sync == "" {
		sync, syncLine = "always", a.line
		if !v {
			sync = "never"
		}
	}
	if sync != "" {
		c.out.set("store.sync", sync, syncLine)
	}
	switch v, a := c.millis(n, "journalDiskSyncInterval"); {
	case a == nil:
	case sync != "interval":
		c.drop(false, "only journalDiskSyncStrategy=\"periodic\" has an interval")
	default:
		c.out.set("store.sync_interval", period(max(v, time.Millisecond)), a.line)
	}
}

// storePath is the store's directory: a folder of its own on the disk where the messages were.
func (c *converter) storePath() string {
	switch {
	case c.store.kaha != "":
		return filepath.Join(strings.TrimPrefix(c.store.kaha, "file:"), "manifold")
	case c.store.data != "":
		return filepath.Join(strings.TrimPrefix(c.store.data, "file:"), "manifold")
	}
	return "data"
}

// finishStore writes where the store is.
func (c *converter) finishStore() {
	line := c.store.line
	if c.store.kaha != "" {
		line = c.store.kahaLine
	}
	if path := c.storePath(); path != "data" {
		c.out.text("store.path", path, line).comment("The store has a folder of its own; what ActiveMQ's store holds is not read.")
	}
}
