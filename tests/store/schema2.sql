-- A store as schema 2 left it, with one job.
BEGIN TRANSACTION;
CREATE TABLE controls (
	id INTEGER NOT NULL, 
	generation_id INTEGER NOT NULL, 
	command TEXT NOT NULL, 
	argument TEXT NOT NULL, 
	created_at FLOAT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(generation_id) REFERENCES generations (id) ON DELETE CASCADE
);
CREATE TABLE curves (
	generation_id INTEGER NOT NULL, 
	trial INTEGER NOT NULL, 
	metric TEXT NOT NULL, 
	steps BLOB NOT NULL, 
	points BLOB NOT NULL, 
	PRIMARY KEY (generation_id, trial, metric), 
	FOREIGN KEY(generation_id) REFERENCES generations (id) ON DELETE CASCADE
);
CREATE TABLE device_leases (
	id INTEGER NOT NULL, 
	host TEXT NOT NULL, 
	device TEXT NOT NULL, 
	share FLOAT NOT NULL, 
	owner TEXT NOT NULL, 
	pid INTEGER NOT NULL, 
	pid_started_at FLOAT NOT NULL, 
	created_at FLOAT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE generations (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	job_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	spec TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	state TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	note TEXT NOT NULL, 
	created_at FLOAT NOT NULL, 
	started_at FLOAT, 
	ended_at FLOAT, 
	UNIQUE (job_id, number), 
	FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);
INSERT INTO "generations" VALUES(1,1,1,'{"name": "digits"}','','SUCCEEDED','3 trials','',1800000000.0,NULL,1800000010.0);
CREATE TABLE jobs (
	id INTEGER NOT NULL, 
	project TEXT NOT NULL, 
	name TEXT NOT NULL, 
	project_key TEXT NOT NULL, 
	name_key TEXT NOT NULL, 
	created_at FLOAT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (project_key, name_key)
);
INSERT INTO "jobs" VALUES(1,'vision','digits','vision','digits',1800000000.0);
CREATE TABLE journal (
	generation_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	entries TEXT NOT NULL, 
	checksum INTEGER, 
	PRIMARY KEY (generation_id, position), 
	FOREIGN KEY(generation_id) REFERENCES generations (id) ON DELETE CASCADE
);
CREATE TABLE leases (
	generation_id INTEGER NOT NULL, 
	fence INTEGER NOT NULL, 
	owner TEXT, 
	pid INTEGER NOT NULL, 
	pid_started_at FLOAT NOT NULL, 
	host TEXT NOT NULL, 
	heartbeat_at FLOAT NOT NULL, 
	PRIMARY KEY (generation_id), 
	FOREIGN KEY(generation_id) REFERENCES generations (id) ON DELETE CASCADE
);
CREATE TABLE meta (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema','2');
CREATE TABLE trials (
	generation_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	definition TEXT NOT NULL, 
	state TEXT NOT NULL, 
	kind TEXT, 
	reason TEXT NOT NULL, 
	params TEXT NOT NULL, 
	"values" TEXT NOT NULL, 
	metrics TEXT NOT NULL, 
	device TEXT NOT NULL, 
	seed INTEGER, 
	attempt INTEGER NOT NULL, 
	step INTEGER, 
	created_at FLOAT, 
	started_at FLOAT, 
	ended_at FLOAT, 
	traceback TEXT NOT NULL, 
	notes TEXT NOT NULL, 
	disk_bytes INTEGER DEFAULT '0' NOT NULL, 
	checksum INTEGER, 
	PRIMARY KEY (generation_id, number), 
	FOREIGN KEY(generation_id) REFERENCES generations (id) ON DELETE CASCADE
);
CREATE TABLE windows (
	generation_id INTEGER NOT NULL, 
	trial INTEGER NOT NULL, 
	metric TEXT NOT NULL, 
	width FLOAT NOT NULL, 
	start FLOAT NOT NULL, 
	count INTEGER NOT NULL, 
	total FLOAT NOT NULL, 
	minimum FLOAT, 
	maximum FLOAT, 
	last FLOAT, 
	first_ts FLOAT, 
	first_seq INTEGER NOT NULL, 
	first_step INTEGER, 
	last_ts FLOAT, 
	last_seq INTEGER NOT NULL, 
	last_step INTEGER, 
	nonfinite INTEGER NOT NULL, 
	revision INTEGER NOT NULL, 
	PRIMARY KEY (generation_id, trial, metric, width, start), 
	FOREIGN KEY(generation_id) REFERENCES generations (id) ON DELETE CASCADE
);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('generations',1);
COMMIT;
