SELECT name, displayName, state, maxTrialCount, studySpec FROM google.aiplatform.hyperparameter_tuning_jobs
 WHERE projectsId = 'lab' AND locationsId = 'local' AND hyperparameterTuningJobsId = '17';

SELECT displayName, JSON_EXTRACT(studySpec, '$.algorithm') AS algorithm, JSON_EXTRACT(studySpec, '$.metrics[0].metricId') AS metric
  FROM google.aiplatform.hyperparameter_tuning_jobs WHERE projectsId = 'lab' AND locationsId = 'local' ORDER BY createTime DESC;

SELECT state, COUNT(*) AS n FROM google.aiplatform.hyperparameter_tuning_jobs WHERE projectsId = 'lab' AND locationsId = 'local' GROUP BY state;

SELECT JSON_EXTRACT(t.value, '$.id') AS id, JSON_EXTRACT(t.value, '$.finalMeasurement.metrics[0].value') AS v
  FROM google.aiplatform.hyperparameter_tuning_jobs j, JSON_EACH(j.trials) t
 WHERE projectsId = 'lab' AND locationsId = 'local' AND hyperparameterTuningJobsId = '17' ORDER BY v DESC LIMIT 3;

SELECT JSON_EXTRACT(p.value, '$.parameterId') AS p, JSON_EXTRACT(p.value, '$.scaleType') AS scale
  FROM google.aiplatform.hyperparameter_tuning_jobs j, JSON_EACH(j.studySpec, '$.parameters') p
 WHERE projectsId = 'lab' AND locationsId = 'local' AND hyperparameterTuningJobsId = '17';

INSERT INTO google.aiplatform.hyperparameter_tuning_jobs (data__displayName, data__studySpec, data__maxTrialCount, data__parallelTrialCount, data__trialJobSpec, projectsId, locationsId)
SELECT 'sql-made', '{"metrics":[{"metricId":"loss","goal":"MINIMIZE"}],"parameters":[{"parameterId":"lr","doubleValueSpec":{"minValue":1e-5,"maxValue":0.1},"scaleType":"UNIT_LOG_SCALE"}]}',
       8, 2, '{"workerPoolSpecs":[{"machineSpec":{"machineType":"local"},"replicaCount":1,"containerSpec":{"imageUri":"local/train"}}]}', 'lab', 'local' RETURNING name, state;

EXEC google.aiplatform.hyperparameter_tuning_jobs.cancel @projectsId='lab', @locationsId='local', @hyperparameterTuningJobsId='17';

DELETE FROM google.aiplatform.hyperparameter_tuning_jobs WHERE projectsId = 'lab' AND locationsId = 'local' AND hyperparameterTuningJobsId = '17';
