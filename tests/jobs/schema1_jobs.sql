-- What version 0.1 (schema 1) left: a job that is done, one of another project, and one whose kernel was killed.
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
INSERT INTO "curves" VALUES(1,0,'score',X'0000000000000000000000000000F03F0000000000000040',X'92C5B4529F81853F92C5B4529F81953F2E94077E3721A03F');
INSERT INTO "curves" VALUES(1,1,'score',X'0000000000000000000000000000F03F0000000000000040',X'B8C3820688C8D13FB8C3820688C8E13F9425C409CCACEA3F');
INSERT INTO "curves" VALUES(1,2,'score',X'0000000000000000000000000000F03F0000000000000040',X'F4B6EF2CF2063F40F4B6EF2CF2064F4037C9B3A135455740');
INSERT INTO "curves" VALUES(1,3,'score',X'0000000000000000000000000000F03F0000000000000040',X'3F6CE619E609BF3F3F6CE619E609CF3F2FD16C936C47D73F');
INSERT INTO "curves" VALUES(1,4,'score',X'0000000000000000000000000000F03F0000000000000040',X'9BC8B9E703D8A53F9BC8B9E703D8B53F7456CBED0262C03F');
INSERT INTO "curves" VALUES(2,0,'score',X'0000000000000000000000000000F03F0000000000000040',X'92C5B4529F81853F92C5B4529F81953F2E94077E3721A03F');
INSERT INTO "curves" VALUES(2,1,'score',X'0000000000000000000000000000F03F0000000000000040',X'B8C3820688C8D13FB8C3820688C8E13F9425C409CCACEA3F');
INSERT INTO "curves" VALUES(2,2,'score',X'0000000000000000000000000000F03F0000000000000040',X'F4B6EF2CF2063F40F4B6EF2CF2064F4037C9B3A135455740');
INSERT INTO "curves" VALUES(3,0,'score',X'0000000000000000000000000000F03F0000000000000040',X'92C5B4529F81853F92C5B4529F81953F2E94077E3721A03F');
INSERT INTO "curves" VALUES(3,1,'score',X'0000000000000000000000000000F03F0000000000000040',X'B8C3820688C8D13FB8C3820688C8E13F9425C409CCACEA3F');
INSERT INTO "curves" VALUES(3,2,'score',X'0000000000000000000000000000F03F0000000000000040',X'F4B6EF2CF2063F40F4B6EF2CF2064F4037C9B3A135455740');
INSERT INTO "curves" VALUES(3,3,'score',X'0000000000000000000000000000F03F0000000000000040',X'3F6CE619E609BF3F3F6CE619E609CF3F2FD16C936C47D73F');
INSERT INTO "curves" VALUES(3,4,'score',X'0000000000000000000000000000F03F0000000000000040',X'9BC8B9E703D8A53F9BC8B9E703D8B53F7456CBED0262C03F');
INSERT INTO "curves" VALUES(3,5,'score',X'0000000000000000000000000000F03F0000000000000040',X'01E97DB23618064001E97DB236181640C16EDE0529922040');
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
INSERT INTO "generations" VALUES(1,1,1,'{"wait":null,"new":false,"replace":false,"check":false,"form":false,"dry_run":false,"name":"done","project":"default","tag":{},"definitions":[{"name":"default","space":{"lr":{"when":null,"type":"float","low":0.0001,"high":1.0,"scale":"log","step":null},"width":{"when":null,"type":"int","low":8,"high":64,"scale":"linear","step":1}},"objectives":[{"metric":"score","goal":"maximize"}],"program":{"kind":"cell","source":"\nlr = Float(1e-4, 1.0, log=True)\nwidth = Int(8, 64)\nimport time\nfor step in range(3):\n    report(score=width * lr * (step + 1), step=step)\n    time.sleep(pause)\n","names":["pause"]}}],"trials":5,"parallel":2,"gpus":null,"devices":null,"reserve":0,"strategy":"auto","prune":"off","patience":null,"target":null,"max_no_improvement":null,"max_runtime":null,"trial_timeout":null,"max_failures":null,"retries":0,"window":30.0,"warm_start":[],"executor":"threads","seed":7,"select":"last","on_nan":"fail","on_timeout":"fail"}','{"the cell": "ae26845efd449741", "`pause`": "8aed642bf5118b9d", "the space": "902010135bd691f6", "the objectives": "7174aa8a1ba483ee"}','SUCCEEDED','all trials are done','seeded: the search, trial.seed, trial.generator and trial.rng; torch''s global seed is shared by threads',1.79523785576124930382e+09,1.79523785580047345162e+09,1.79523786205512738225e+09);
INSERT INTO "generations" VALUES(2,2,1,'{"wait":null,"new":false,"replace":false,"check":false,"form":false,"dry_run":false,"name":"elsewhere","project":"vision","tag":{},"definitions":[{"name":"default","space":{"lr":{"when":null,"type":"float","low":0.0001,"high":1.0,"scale":"log","step":null},"width":{"when":null,"type":"int","low":8,"high":64,"scale":"linear","step":1}},"objectives":[{"metric":"score","goal":"maximize"}],"program":{"kind":"cell","source":"\nlr = Float(1e-4, 1.0, log=True)\nwidth = Int(8, 64)\nimport time\nfor step in range(3):\n    report(score=width * lr * (step + 1), step=step)\n    time.sleep(pause)\n","names":["pause"]}}],"trials":3,"parallel":2,"gpus":null,"devices":null,"reserve":0,"strategy":"auto","prune":"off","patience":null,"target":null,"max_no_improvement":null,"max_runtime":null,"trial_timeout":null,"max_failures":null,"retries":0,"window":30.0,"warm_start":[],"executor":"threads","seed":7,"select":"last","on_nan":"fail","on_timeout":"fail"}','{"the cell": "ae26845efd449741", "`pause`": "8aed642bf5118b9d", "the space": "902010135bd691f6", "the objectives": "7174aa8a1ba483ee"}','SUCCEEDED','all trials are done','seeded: the search, trial.seed, trial.generator and trial.rng; torch''s global seed is shared by threads',1.7952378620624961853e+09,1.79523786206608891484e+09,1.79523786210380053521e+09);
INSERT INTO "generations" VALUES(3,3,1,'{"wait":null,"new":false,"replace":false,"check":false,"form":false,"dry_run":false,"name":"cut","project":"default","tag":{},"definitions":[{"name":"default","space":{"lr":{"when":null,"type":"float","low":0.0001,"high":1.0,"scale":"log","step":null},"width":{"when":null,"type":"int","low":8,"high":64,"scale":"linear","step":1}},"objectives":[{"metric":"score","goal":"maximize"}],"program":{"kind":"cell","source":"\nlr = Float(1e-4, 1.0, log=True)\nwidth = Int(8, 64)\nimport time\nfor step in range(3):\n    report(score=width * lr * (step + 1), step=step)\n    time.sleep(pause)\n","names":["pause"]}}],"trials":12,"parallel":2,"gpus":null,"devices":null,"reserve":0,"strategy":"auto","prune":"off","patience":null,"target":null,"max_no_improvement":null,"max_runtime":null,"trial_timeout":null,"max_failures":null,"retries":0,"window":30.0,"warm_start":[],"executor":"threads","seed":7,"select":"last","on_nan":"fail","on_timeout":"fail"}','{"the cell": "ae26845efd449741", "`pause`": "0602d7c813c1f6e7", "the space": "902010135bd691f6", "the objectives": "7174aa8a1ba483ee"}','RUNNING','','seeded: the search, trial.seed, trial.generator and trial.rng; torch''s global seed is shared by threads',1.79523786211188912395e+09,1.7952378621210651398e+09,NULL);
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
INSERT INTO "jobs" VALUES(1,'default','done','default','done',1.7952378557602324486e+09);
INSERT INTO "jobs" VALUES(2,'vision','elsewhere','vision','elsewhere',1.79523786206099438662e+09);
INSERT INTO "jobs" VALUES(3,'default','cut','default','cut',1.79523786211165904992e+09);
CREATE TABLE journal (
	generation_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	entries TEXT NOT NULL, 
	PRIMARY KEY (generation_id, position), 
	FOREIGN KEY(generation_id) REFERENCES generations (id) ON DELETE CASCADE
);
INSERT INTO "journal" VALUES(1,0,'[["study","default",[2]],["study_user",0,"entropy",7],["trial",0,{"state":0,"start":1795237855.855497}],["param",0,"lr",0.0002019450244810229,"{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0001, \"high\": 1.0, \"log\": true}}"],["param",0,"width",52.0,"{\"name\": \"IntDistribution\", \"attributes\": {\"log\": false, \"step\": 1, \"low\": 8, \"high\": 64}}"],["user",0,"params",{"lr":0.0002019450244810229,"width":52}]]');
INSERT INTO "journal" VALUES(1,6,'[["trial",0,{"state":0,"start":1795237855.875444}],["param",1,"lr",0.005670703311028813,null],["param",1,"width",49.0,null],["user",1,"params",{"lr":0.005670703311028813,"width":49}]]');
INSERT INTO "journal" VALUES(1,10,'[["intermediate",0,0,0.01050114127301319],["intermediate",0,1,0.02100228254602638],["intermediate",0,2,0.031503423819039575],["state",0,1,[0.031503423819039575],1795237861.924038]]');
INSERT INTO "journal" VALUES(1,14,'[["trial",0,{"state":0,"start":1795237861.925068}],["param",2,"lr",0.8165034948781688,null],["param",2,"width",38.0,null],["user",2,"params",{"lr":0.8165034948781688,"width":38}]]');
INSERT INTO "journal" VALUES(1,18,'[["intermediate",1,0,0.27786446224041184],["intermediate",1,1,0.5557289244808237],["intermediate",1,2,0.8335933867212355],["state",1,1,[0.8335933867212355],1795237861.934705]]');
INSERT INTO "journal" VALUES(1,22,'[["trial",0,{"state":0,"start":1795237861.93586}],["param",3,"lr",0.010103732850016273,null],["param",3,"width",12.0,null],["user",3,"params",{"lr":0.010103732850016273,"width":12}]]');
INSERT INTO "journal" VALUES(1,26,'[["intermediate",2,0,31.027132805370414],["intermediate",2,1,62.05426561074083],["intermediate",2,2,93.08139841611124],["state",2,1,[93.08139841611124],1795237861.941922]]');
INSERT INTO "journal" VALUES(1,30,'[["trial",0,{"state":0,"start":1795237861.991359}],["param",4,"lr",0.001185102516726142,null],["param",4,"width",36.0,null],["user",4,"params",{"lr":0.001185102516726142,"width":36}]]');
INSERT INTO "journal" VALUES(1,34,'[["intermediate",3,0,0.12124479420019528],["intermediate",3,1,0.24248958840039056],["intermediate",3,2,0.3637343826005858],["state",3,1,[0.3637343826005858],1795237862.050189]]');
INSERT INTO "journal" VALUES(1,38,'[["intermediate",4,0,0.04266369060214111],["intermediate",4,1,0.08532738120428222],["intermediate",4,2,0.12799107180642333],["state",4,1,[0.12799107180642333],1795237862.053178]]');
INSERT INTO "journal" VALUES(2,0,'[["study","default",[2]],["study_user",0,"entropy",7],["trial",0,{"state":0,"start":1795237862.075295}],["param",0,"lr",0.0002019450244810229,"{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0001, \"high\": 1.0, \"log\": true}}"],["param",0,"width",52.0,"{\"name\": \"IntDistribution\", \"attributes\": {\"log\": false, \"step\": 1, \"low\": 8, \"high\": 64}}"],["user",0,"params",{"lr":0.0002019450244810229,"width":52}]]');
INSERT INTO "journal" VALUES(2,6,'[["trial",0,{"state":0,"start":1795237862.079236}],["param",1,"lr",0.005670703311028813,null],["param",1,"width",49.0,null],["user",1,"params",{"lr":0.005670703311028813,"width":49}]]');
INSERT INTO "journal" VALUES(2,10,'[["intermediate",0,0,0.01050114127301319],["intermediate",0,1,0.02100228254602638],["intermediate",0,2,0.031503423819039575],["state",0,1,[0.031503423819039575],1795237862.081122]]');
INSERT INTO "journal" VALUES(2,14,'[["trial",0,{"state":0,"start":1795237862.088269}],["param",2,"lr",0.8165034948781688,null],["param",2,"width",38.0,null],["user",2,"params",{"lr":0.8165034948781688,"width":38}]]');
INSERT INTO "journal" VALUES(2,18,'[["intermediate",1,0,0.27786446224041184],["intermediate",1,1,0.5557289244808237],["intermediate",1,2,0.8335933867212355],["state",1,1,[0.8335933867212355],1795237862.090773]]');
INSERT INTO "journal" VALUES(2,22,'[["intermediate",2,0,31.027132805370414],["intermediate",2,1,62.05426561074083],["intermediate",2,2,93.08139841611124],["state",2,1,[93.08139841611124],1795237862.099688]]');
INSERT INTO "journal" VALUES(3,0,'[["study","default",[2]],["study_user",0,"entropy",7],["trial",0,{"state":0,"start":1795237862.134815}],["param",0,"lr",0.0002019450244810229,"{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0001, \"high\": 1.0, \"log\": true}}"],["param",0,"width",52.0,"{\"name\": \"IntDistribution\", \"attributes\": {\"log\": false, \"step\": 1, \"low\": 8, \"high\": 64}}"],["user",0,"params",{"lr":0.0002019450244810229,"width":52}]]');
INSERT INTO "journal" VALUES(3,6,'[["trial",0,{"state":0,"start":1795237862.138436}],["param",1,"lr",0.005670703311028813,null],["param",1,"width",49.0,null],["user",1,"params",{"lr":0.005670703311028813,"width":49}]]');
INSERT INTO "journal" VALUES(3,10,'[["intermediate",1,0,0.27786446224041184],["intermediate",1,1,0.5557289244808237],["intermediate",1,2,0.8335933867212355],["state",1,1,[0.8335933867212355],1795237862.319175]]');
INSERT INTO "journal" VALUES(3,14,'[["intermediate",0,0,0.01050114127301319],["intermediate",0,1,0.02100228254602638],["intermediate",0,2,0.031503423819039575],["state",0,1,[0.031503423819039575],1795237862.323898]]');
INSERT INTO "journal" VALUES(3,18,'[["trial",0,{"state":0,"start":1795237862.324488}],["param",2,"lr",0.8165034948781688,null],["param",2,"width",38.0,null],["user",2,"params",{"lr":0.8165034948781688,"width":38}]]');
INSERT INTO "journal" VALUES(3,22,'[["trial",0,{"state":0,"start":1795237862.333544}],["param",3,"lr",0.010103732850016273,null],["param",3,"width",12.0,null],["user",3,"params",{"lr":0.010103732850016273,"width":12}]]');
INSERT INTO "journal" VALUES(3,26,'[["intermediate",2,0,31.027132805370414],["intermediate",2,1,62.05426561074083],["intermediate",2,2,93.08139841611124],["state",2,1,[93.08139841611124],1795237862.488279]]');
INSERT INTO "journal" VALUES(3,30,'[["trial",0,{"state":0,"start":1795237862.489268}],["param",4,"lr",0.001185102516726142,null],["param",4,"width",36.0,null],["user",4,"params",{"lr":0.001185102516726142,"width":36}]]');
INSERT INTO "journal" VALUES(3,34,'[["intermediate",3,0,0.12124479420019528],["intermediate",3,1,0.24248958840039056],["intermediate",3,2,0.3637343826005858],["state",3,1,[0.3637343826005858],1795237862.498526]]');
INSERT INTO "journal" VALUES(3,38,'[["trial",0,{"state":0,"start":1795237862.499887}],["param",5,"lr",0.05210986937158465,null],["param",5,"width",53.0,null],["user",5,"params",{"lr":0.05210986937158465,"width":53}]]');
INSERT INTO "journal" VALUES(3,42,'[["intermediate",4,0,0.04266369060214111],["intermediate",4,1,0.08532738120428222],["intermediate",4,2,0.12799107180642333],["state",4,1,[0.12799107180642333],1795237862.65126]]');
INSERT INTO "journal" VALUES(3,46,'[["trial",0,{"state":0,"start":1795237862.652739}],["param",6,"lr",0.0033401389402154206,null],["param",6,"width",11.0,null],["user",6,"params",{"lr":0.0033401389402154206,"width":11}]]');
INSERT INTO "journal" VALUES(3,50,'[["intermediate",5,0,2.7618230766939864],["intermediate",5,1,5.523646153387973],["intermediate",5,2,8.28546923008196],["state",5,1,[8.28546923008196],1795237862.65996]]');
INSERT INTO "journal" VALUES(3,54,'[["trial",0,{"state":0,"start":1795237862.663954}],["param",7,"lr",0.0014209617815888057,null],["param",7,"width",59.0,null],["user",7,"params",{"lr":0.0014209617815888057,"width":59}]]');
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
INSERT INTO "leases" VALUES(1,1,NULL,77,1700000000.0,'a-host',1700000000.0);
INSERT INTO "leases" VALUES(2,1,NULL,77,1700000000.0,'a-host',1700000000.0);
INSERT INTO "leases" VALUES(3,1,'kernel 77',77,1700000000.0,'a-host',1700000000.0);
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
INSERT INTO "trials" VALUES(1,0,'default','COMPLETE',NULL,'','{"lr":0.0002019450244810229,"width":52}','[0.031503423819039575]','{"score":0.031503423819039575}','cpu',1718373188,1,2,1.7952378558564794064e+09,1.7952378558582253456e+09,1.79523786192360424989e+09,'','[]');
INSERT INTO "trials" VALUES(1,1,'default','COMPLETE',NULL,'','{"lr":0.005670703311028813,"width":49}','[0.8335933867212355]','{"score":0.8335933867212355}','cpu',4149949613,1,2,1.79523785587632226943e+09,1.79523785587689137461e+09,1.7952378619342391491e+09,'','[]');
INSERT INTO "trials" VALUES(1,2,'default','COMPLETE',NULL,'','{"lr":0.8165034948781688,"width":38}','[93.08139841611124]','{"score":93.08139841611124}','cpu',1435380607,1,2,1795237861.92565,1.79523786193123912812e+09,1.79523786194163489341e+09,'','[]');
INSERT INTO "trials" VALUES(1,3,'default','COMPLETE',NULL,'','{"lr":0.010103732850016273,"width":12}','[0.3637343826005858]','{"score":0.3637343826005858}','cpu',2094219050,1,2,1.79523786193641948696e+09,1.79523786193683338166e+09,1.79523786204984974858e+09,'','[]');
INSERT INTO "trials" VALUES(1,4,'default','COMPLETE',NULL,'','{"lr":0.001185102516726142,"width":36}','[0.12799107180642333]','{"score":0.12799107180642333}','cpu',2830491582,1,2,1.79523786199194216725e+09,1.7952378619926614761e+09,1.79523786205297160149e+09,'','[]');
INSERT INTO "trials" VALUES(2,0,'default','COMPLETE',NULL,'','{"lr":0.0002019450244810229,"width":52}','[0.031503423819039575]','{"score":0.031503423819039575}','cpu',1718373188,1,2,1.79523786207589173321e+09,1.79523786207729959488e+09,1.79523786208092617994e+09,'','[]');
INSERT INTO "trials" VALUES(2,1,'default','COMPLETE',NULL,'','{"lr":0.005670703311028813,"width":49}','[0.8335933867212355]','{"score":0.8335933867212355}','cpu',4149949613,1,2,1.79523786207965230935e+09,1.79523786207998371127e+09,1.79523786209057641029e+09,'','[]');
INSERT INTO "trials" VALUES(2,2,'default','COMPLETE',NULL,'','{"lr":0.8165034948781688,"width":38}','[93.08139841611124]','{"score":93.08139841611124}','cpu',1435380607,1,2,1.79523786208876705164e+09,1.79523786208918213844e+09,1.79523786209943246846e+09,'','[]');
INSERT INTO "trials" VALUES(3,0,'default','COMPLETE',NULL,'','{"lr":0.0002019450244810229,"width":52}','[0.031503423819039575]','{"score":0.031503423819039575}','cpu',1718373188,1,2,1.79523786213573479653e+09,1.79523786213723158837e+09,1.79523786232373118399e+09,'','[]');
INSERT INTO "trials" VALUES(3,1,'default','COMPLETE',NULL,'','{"lr":0.005670703311028813,"width":49}','[0.8335933867212355]','{"score":0.8335933867212355}','cpu',4149949613,1,2,1.79523786213933777807e+09,1.79523786213988018035e+09,1.79523786231882309912e+09,'','[]');
INSERT INTO "trials" VALUES(3,2,'default','COMPLETE',NULL,'','{"lr":0.8165034948781688,"width":38}','[93.08139841611124]','{"score":93.08139841611124}','cpu',1435380607,1,2,1.79523786233180975913e+09,1.79523786233239126207e+09,1.79523786248799276351e+09,'','[]');
INSERT INTO "trials" VALUES(3,3,'default','COMPLETE',NULL,'','{"lr":0.010103732850016273,"width":12}','[0.3637343826005858]','{"score":0.3637343826005858}','cpu',2094219050,1,2,1.79523786233401727672e+09,1.79523786233441138269e+09,1.79523786249827909475e+09,'','[]');
INSERT INTO "trials" VALUES(3,4,'default','COMPLETE',NULL,'','{"lr":0.001185102516726142,"width":36}','[0.12799107180642333]','{"score":0.12799107180642333}','cpu',2830491582,1,2,1.79523786248997688297e+09,1.79523786249041295047e+09,1.79523786265074920655e+09,'','[]');
INSERT INTO "trials" VALUES(3,5,'default','COMPLETE',NULL,'','{"lr":0.05210986937158465,"width":53}','[8.28546923008196]','{"score":8.28546923008196}','cpu',545750793,1,2,1.79523786250067615504e+09,1.79523786250164580345e+09,1.79523786265968060497e+09,'','[]');
INSERT INTO "trials" VALUES(3,6,'default','RUNNING',NULL,'','{"lr":0.0033401389402154206,"width":11}','null','{}','cpu',200738913,1,NULL,1.79523786265399861337e+09,1.79523786265455436708e+09,NULL,'','[]');
INSERT INTO "trials" VALUES(3,7,'default','RUNNING',NULL,'','{"lr":0.0014209617815888057,"width":59}','null','{}','cpu',1468604881,1,NULL,1.79523786266454124451e+09,1.7952378626649987698e+09,NULL,'','[]');
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
INSERT INTO "windows" VALUES(1,0,'score',30.0,1795237860.0,3,6.3006847638079149787e-02,1.05011412730131904746e-02,3.15034238190395748935e-02,3.15034238190395748935e-02,1.79523786190634393692e+09,1,0,1.79523786190717339521e+09,3,2,0,0);
INSERT INTO "windows" VALUES(1,1,'score',30.0,1795237860.0,3,1.66718677344247101501e+00,2.77864462240411835836e-01,8.33593386721235507508e-01,8.33593386721235507508e-01,1.79523786192339706419e+09,1,0,1.79523786193364310271e+09,3,2,0,0);
INSERT INTO "windows" VALUES(1,2,'score',30.0,1795237860.0,3,1.86162796832222483082e+02,3.10271328053704138478e+01,9.30813984161112415414e+01,9.30813984161112415414e+01,1.7952378619348986149e+09,1,0,1.79523786193756175041e+09,3,2,0,0);
INSERT INTO "windows" VALUES(1,3,'score',30.0,1795237860.0,3,7.27468765201171652101e-01,1.21244794200195279976e-01,3.6373438260058582605e-01,3.6373438260058582605e-01,1.79523786194146513944e+09,1,0,1.79523786199257040022e+09,3,2,0,0);
INSERT INTO "windows" VALUES(1,4,'score',30.0,1795237860.0,3,2.55982143612846657632e-01,4.26636906021411119183e-02,1.27991071806423328816e-01,1.27991071806423328816e-01,1.7952378620523934365e+09,1,0,1.79523786205261254309e+09,3,2,0,0);
INSERT INTO "windows" VALUES(2,0,'score',30.0,1795237860.0,3,6.3006847638079149787e-02,1.05011412730131904746e-02,3.15034238190395748935e-02,3.15034238190395748935e-02,1.79523786207986354827e+09,1,0,1.79523786208064222336e+09,3,2,0,0);
INSERT INTO "windows" VALUES(2,1,'score',30.0,1795237860.0,3,1.66718677344247101501e+00,2.77864462240411835836e-01,8.33593386721235507508e-01,8.33593386721235507508e-01,1.79523786208310794825e+09,1,0,1.79523786208363342288e+09,3,2,0,0);
INSERT INTO "windows" VALUES(2,2,'score',30.0,1795237860.0,3,1.86162796832222483082e+02,3.10271328053704138478e+01,9.30813984161112415414e+01,9.30813984161112415414e+01,1.79523786209516286846e+09,1,0,1.7952378620991389751e+09,3,2,0,0);
INSERT INTO "windows" VALUES(3,0,'score',30.0,1795237860.0,3,6.3006847638079149787e-02,1.05011412730131904746e-02,3.15034238190395748935e-02,3.15034238190395748935e-02,1.79523786213958787922e+09,1,0,1.7952378622633240223e+09,3,2,0,0);
INSERT INTO "windows" VALUES(3,1,'score',30.0,1795237860.0,3,1.66718677344247101501e+00,2.77864462240411835836e-01,8.33593386721235507508e-01,8.33593386721235507508e-01,1.79523786214262604712e+09,1,0,1.79523786226336312297e+09,3,2,0,0);
INSERT INTO "windows" VALUES(3,2,'score',30.0,1795237860.0,3,1.86162796832222483082e+02,3.10271328053704138478e+01,9.30813984161112415414e+01,9.30813984161112415414e+01,1.7952378623347089291e+09,1,0,1.79523786243762230874e+09,3,2,0,0);
INSERT INTO "windows" VALUES(3,3,'score',30.0,1795237860.0,3,7.27468765201171652101e-01,1.21244794200195279976e-01,3.6373438260058582605e-01,3.6373438260058582605e-01,1.79523786233569622038e+09,1,0,1.79523786243949127192e+09,3,2,0,0);
INSERT INTO "windows" VALUES(3,4,'score',30.0,1795237860.0,3,2.55982143612846657632e-01,4.26636906021411119183e-02,1.27991071806423328816e-01,1.27991071806423328816e-01,1.79523786249979877471e+09,1,0,1.79523786260014081e+09,3,2,0,0);
INSERT INTO "windows" VALUES(3,5,'score',30.0,1795237860.0,3,1.65709384601639193586e+01,2.76182307669398641181e+00,8.28546923008196,8.28546923008196,1.79523786250302433962e+09,1,0,1.79523786260331583023e+09,3,2,0,0);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('generations',3);
COMMIT;
