-- A store as version 0.1 (schema 1) left it: two jobs, one of them running when its kernel died.
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
INSERT INTO "controls" VALUES(1,2,'pause','null',1800000000.0);
CREATE TABLE curves (
	generation_id INTEGER NOT NULL, 
	trial INTEGER NOT NULL, 
	metric TEXT NOT NULL, 
	steps BLOB NOT NULL, 
	points BLOB NOT NULL, 
	PRIMARY KEY (generation_id, trial, metric), 
	FOREIGN KEY(generation_id) REFERENCES generations (id) ON DELETE CASCADE
);
INSERT INTO "curves" VALUES(1,0,'loss',X'000000000000F03F00000000000000400000000000000840',X'000000000000E03F000000000000D03F000000000000F87F');
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
INSERT INTO "generations" VALUES(1,1,1,'{"name":"digits","trials":3}','{"the space":"5f1c"}','SUCCEEDED','3 trials','',1800000000.0,1800000000.0,1800000060.0);
INSERT INTO "generations" VALUES(2,2,1,'{}','{}','RUNNING','','',1800000000.0,1800000001.0,NULL);
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
INSERT INTO "jobs" VALUES(1,'default','digits','default','digits',1800000000.0);
INSERT INTO "jobs" VALUES(2,'vision','Größe','vision','grösse',1800000000.0);
CREATE TABLE journal (
	generation_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	entries TEXT NOT NULL, 
	PRIMARY KEY (generation_id, position), 
	FOREIGN KEY(generation_id) REFERENCES generations (id) ON DELETE CASCADE
);
INSERT INTO "journal" VALUES(1,0,'[["study","default",[2]],["trial",0,{"state":0}],["param",0,"lr",0.0,null],["state",0,1,[0.5],1800000000.0]]');
INSERT INTO "journal" VALUES(1,4,'[["trial",0,{"state":0}],["param",1,"lr",0.1,null],["state",1,1,[1.5],1800000001.0]]');
INSERT INTO "journal" VALUES(1,7,'[["trial",0,{"state":0}],["param",2,"lr",0.2,null],["state",2,1,[2.5],1800000002.0]]');
INSERT INTO "journal" VALUES(2,0,'[["study","default",[2]],["trial",0,{"state":0}],["param",0,"lr",0.0,null],["state",0,1,[0.5],1800000000.0]]');
INSERT INTO "journal" VALUES(2,4,'[["trial",0,{"state":0}],["param",1,"lr",0.1,null],["state",1,1,[1.5],1800000001.0]]');
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
INSERT INTO "leases" VALUES(1,1,NULL,8356,1795233797.09,'vm',1800000000.0);
INSERT INTO "leases" VALUES(2,1,'kernel 77',8356,1795233797.09,'vm',1800000000.0);
CREATE TABLE meta (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema','1');
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
	PRIMARY KEY (generation_id, number), 
	FOREIGN KEY(generation_id) REFERENCES generations (id) ON DELETE CASCADE
);
INSERT INTO "trials" VALUES(1,0,'default','COMPLETE',NULL,'','{"lr":0.0,"opt":"adam"}','[0.5]','{"loss":0.5}','cpu',4611686018427387904,1,4,1800000000.0,1800000000.25,1800000009.5,'','[]');
INSERT INTO "trials" VALUES(1,1,'default','COMPLETE',NULL,'','{"lr":0.1,"opt":"adam"}','[1.5]','{"loss":1.5}','cpu',4611686018427387905,1,4,1800000001.0,1800000001.25,1800000010.5,'','[]');
INSERT INTO "trials" VALUES(1,2,'default','COMPLETE',NULL,'','{"lr":0.2,"opt":"adam"}','[2.5]','{"loss":2.5}','cpu',4611686018427387906,1,4,1800000002.0,1800000002.25,1800000011.5,'','["a note"]');
INSERT INTO "trials" VALUES(2,0,'default','COMPLETE',NULL,'','{"lr":0.0,"opt":"adam"}','[0.5]','{"loss":0.5}','cpu',4611686018427387904,1,4,1800000000.0,1800000000.25,1800000009.5,'','[]');
INSERT INTO "trials" VALUES(2,1,'default','RUNNING',NULL,'','{"lr":0.1,"opt":"adam"}','null','{"loss":1.5}','cpu',4611686018427387905,1,4,1800000001.0,1800000001.25,1800000010.5,'','[]');
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
INSERT INTO "windows" VALUES(1,0,'loss',30.0,1800000000.0,2,3.0,1.0,2.0,1.5,1800000000.0,1,1,1800000001.0,2,NULL,0,2);
INSERT INTO "windows" VALUES(1,0,'loss',30.0,1800000030.0,2,3.0,1.0,2.0,1.5,1800000030.0,1,1,1800000031.0,2,NULL,0,2);
INSERT INTO "windows" VALUES(1,0,'loss',30.0,1800000060.0,2,3.0,1.0,2.0,1.5,1800000060.0,1,1,1800000061.0,2,NULL,0,2);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('generations',2);
COMMIT;
