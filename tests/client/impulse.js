// The published client of the original service (npm edge-impulse-api) against a running assay.
//
//   node impulse.js SCENARIO      with ASSAY_URL, ASSAY_KEY (ei_...), ASSAY_SHARED and NODE_PATH set
//
// Exit status 0 when the scenario holds; else what went wrong on stderr. Run by tests/flow/client.c, one scenario after
// the other against the same server; each looks up what the ones before have left there.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { EdgeImpulseApi } = require('edge-impulse-api');

const url = process.env.ASSAY_URL;
const key = process.env.ASSAY_KEY;
const gestures = path.join(process.env.ASSAY_SHARED || '', 'data/sensor/gestures-cbor');
const impulses = path.join(process.env.ASSAY_SHARED || '', 'data/impulses');
const labels = ['idle', 'snake', 'updown', 'wave'];

async function connect() {
    const api = new EdgeImpulseApi({ endpoint: url });
    await api.authenticate({ method: 'apiKey', apiKey: key });
    const { projects } = await api.projects.listProjects();
    assert.equal(projects.length, 1);
    return { api, project: projects[0].id };
}

// Of few gestures there are more than two recordings.
const forTraining = ['training/idle.1.cbor', 'training/idle.2.cbor', 'training/idle.3.cbor', 'testing/snake.0.cbor',
    'testing/updown.0.cbor', 'testing/updown.1.cbor', 'testing/wave.0.cbor', 'testing/wave.1.cbor', 'testing/wave.2.cbor'];
const forTesting = ['testing/idle.0.cbor', 'testing/snake.1.cbor', 'testing/updown.2.cbor', 'testing/wave.3.cbor'];

// What the vendor's uploader sends: a form, one part "data" for each file.
async function upload(category, names, headers = {}) {
    const form = new FormData();
    for (const name of names)
        form.append('data', new Blob([fs.readFileSync(path.join(gestures, name))]), path.basename(name));
    const response = await fetch(`${url}/api/${category}/files`,
        { method: 'POST', headers: { 'x-api-key': key, ...headers }, body: form });
    assert.equal(response.status, 200);
    return response.json();
}

async function samples(category) {
    const { api, project } = await connect();
    const all = await api.rawData.listSamples(project, { category, limit: 100 });
    return { api, project, samples: all.samples, total: all.totalCount };
}

async function sampleNamed(prefix) {
    for (const category of ['training', 'testing']) {
        const found = await samples(category);
        const sample = found.samples.find((s) => s.filename.startsWith(prefix));
        if (sample)
            return { ...found, sample };
    }
    throw new Error(`no sample named ${prefix}`);
}

// The impulse behind the recordings' published features (docs/impulses.md).
const impulse = {
    inputBlocks: [{
        id: 1, type: 'time-series', name: 'Time series', title: 'Time series data', windowSizeMs: 2000,
        windowIncreaseMs: 192, frequencyHz: 62.5, padZeros: true,
    }],
    dspBlocks: [{
        id: 2, type: 'spectral-analysis', name: 'Spectral features', title: 'Spectral features',
        axes: ['accX', 'accY', 'accZ'], input: 1, implementationVersion: 3,
    }],
    learnBlocks: [
        { id: 3, type: 'keras', name: 'NN Classifier', title: 'Classification (Keras)', dsp: [2] },
        { id: 4, type: 'anomaly', name: 'Anomaly', title: 'Anomaly detection (K-means)', dsp: [2] },
    ],
};
const dspConfig = {
    'scale-axes': '1', 'input-decimation-ratio': '1', 'filter-type': 'low', 'filter-cutoff': '4.8828', 'filter-order': '6',
    'analysis-type': 'FFT', 'fft-length': '128', 'do-log': 'true', 'do-fft-overlap': 'false',
};

function checkClassification(answer, blocks) {
    assert.equal(answer.success, true);
    assert.equal(answer.classifications.length, blocks);
    for (const c of answer.classifications) {
        for (const member of ['learnBlock', 'result', 'expectedLabels', 'minimumConfidenceRating', 'thresholds'])
            assert.ok(member in c, `classification without ${member}`);
        assert.ok(c.result.length > 0);
    }
    for (const member of ['sample', 'windowSizeMs', 'windowIncreaseMs', 'alreadyInDatabase'])
        assert.ok(member in answer, `answer without ${member}`);
}

const mostly = (result) => {
    const n = {};
    for (const window of result) {
        const best = Object.keys(window).reduce((a, b) => (window[b] > window[a] ? b : a));
        n[best] = (n[best] || 0) + 1;
    }
    return Object.keys(n).reduce((a, b) => (n[b] > n[a] ? b : a));
};

// The result, however it comes: at once, or after a job the client itself waits for.
async function classify(api, project, sample, query) {
    let answer = await api.classify.classifySampleV2(project, sample, query);
    if (answer.id !== undefined && !answer.classifications) {
        const log = [];
        await api.runJobUntilCompletion({ type: 'project', projectId: project, jobId: answer.id }, (d) => log.push(d));
        assert.ok(log.length > 0, 'the job said nothing');
        answer = await api.classify.classifySampleV2(project, sample, query);
    }
    return answer;
}

const scenarios = {
    async upload() {
        const training = await upload('training', forTraining);
        assert.equal(training.success, true);
        assert.ok(training.files.every((f) => f.success && f.sampleId > 0), JSON.stringify(training.files));
        const testing = await upload('testing', forTesting);
        assert.ok(testing.files.every((f) => f.success));
        const shake = await upload('testing', ['testing/shake.0.cbor'], { 'x-label': 'shake' });
        assert.ok(shake.files.every((f) => f.success));
    },
    async list() {
        const { samples: all, total, api, project } = await samples('training');
        assert.equal(all.length, total);
        assert.equal(total, forTraining.length);
        for (const s of all) {
            assert.ok(labels.includes(s.label), s.label);
            assert.equal(s.frequency, 62.5);
            assert.deepEqual(s.sensors.map((x) => x.name), ['accX', 'accY', 'accZ']);
            assert.ok(s.created instanceof Date && s.added instanceof Date);
        }
        const waves = await api.rawData.listSamples(project, { category: 'training', labels: '["wave"]' });
        assert.ok(waves.samples.length > 0 && waves.samples.every((s) => s.label === 'wave'));
        const count = await api.rawData.countSamples(project, { category: 'training' });
        assert.equal(count.count, total);
    },
    async sample() {
        const { api, project, sample } = await sampleNamed('wave');
        const got = await api.rawData.getSample(project, sample.id);
        assert.equal(got.sample.id, sample.id);
        assert.equal(got.payload.values.length, got.totalPayloadLength);
        assert.equal(got.payload.values[0].length, 3);
        const part = await api.rawData.getSample(project, sample.id, { limitPayloadValues: 10 });
        assert.ok(part.payload.values.length <= 10);
        assert.equal(part.totalPayloadLength, got.totalPayloadLength);
        const slice = await api.rawData.getSampleSlice(project, sample.id, { sliceStart: 5, sliceEnd: 15 });
        assert.deepEqual(slice.payload.values, got.payload.values.slice(5, 15));
    },
    async impulse() {
        const { api, project } = await connect();
        const created = await api.impulse.createImpulse(project, impulse);
        assert.equal(created.success, true);
        await api.dsp.setDspConfig(project, 2, { config: dspConfig });
        const got = await api.impulse.getImpulse(project);
        assert.equal(got.impulse.inputBlocks[0].windowSizeMs, 2000);
        assert.equal(got.impulse.dspBlocks[0].type, 'spectral-analysis');
        assert.deepEqual(got.impulse.learnBlocks.map((b) => b.type), ['keras', 'anomaly']);
    },
    async untrained() {
        const { api, project, sample } = await sampleNamed('wave');
        await assert.rejects(api.classify.classifySampleV2(project, sample.id), /train/i);
    },
    async train() {
        const { api, project } = await connect();
        const keras = await api.jobs.trainKerasJob(project, 3, { mode: 'visual', trainingCycles: 100 });
        assert.ok(keras.id > 0);
        await api.runJobUntilCompletion({ type: 'project', projectId: project, jobId: keras.id }, () => {});
        const anomaly = await api.jobs.trainAnomalyJob(project, 4, {});
        await api.runJobUntilCompletion({ type: 'project', projectId: project, jobId: anomaly.id }, () => {});
        const { job } = await api.jobs.getJobStatus(project, keras.id);
        assert.equal(job.finishedSuccessful, true);
    },
    async result() {
        for (const label of labels) {
            const name = forTesting.find((f) => f.includes(label));
            const { api, project, sample } = await sampleNamed(path.basename(name, '.cbor'));
            const answer = await classify(api, project, sample.id);
            checkClassification(answer, 2);
            assert.equal(mostly(answer.classifications[0].result), label);
            assert.equal(answer.windowSizeMs, 2000);
        }
        const { api, project, sample } = await sampleNamed('shake');
        const answer = await classify(api, project, sample.id);
        const scores = answer.classifications[1].result.map((w) => w.anomaly).sort((a, b) => a - b);
        assert.ok(scores[scores.length >> 1] > 0.3, `shake is no anomaly: ${scores[scores.length >> 1]}`);
    },
    async v1() {
        const { api, project, sample } = await sampleNamed('wave.3');
        checkClassification(await api.classify.classifySample(project, sample.id), 2);
    },
    async variants() {
        const { api, project, sample } = await sampleNamed('wave.3');
        const answer = await api.classify.classifySampleForVariants(project, sample.id, { variants: '["float32"]' });
        assert.equal(answer.success, true);
        assert.equal(answer.results[0].variant, 'float32');
        await assert.rejects(api.classify.classifySampleV2(project, sample.id, { variant: 'akida' }), /akida/i);
    },
    async all() {
        const { api, project } = await connect();
        const started = await api.jobs.startClassifyJob(project, {});
        await api.runJobUntilCompletion({ type: 'project', projectId: project, jobId: started.id }, () => {});
        const answer = await api.classify.getClassifyJobResult(project);
        assert.ok(answer.result.length > 4);
        assert.ok(answer.accuracy && answer.predictions);
    },
    // A long one is a job; the client waits for it in its own way. For a server with --impulse-jobs always.
    async job() {
        const { api, project, sample } = await sampleNamed('snake.1');
        const first = await api.classify.classifySampleV2(project, sample.id, { impulseId: 1 });
        assert.ok(first.id > 0 && !first.classifications, 'a result where a job was expected');
        checkClassification(await classify(api, project, sample.id, { impulseId: 1 }), 2);
    },
    async foreign() {
        const { api, project } = await connect();
        await assert.rejects(api.rawData.listSamples(project + 1000, { category: 'training' }), /project/i);
    },
    // The vendor's library for devices sends signed JSON to localhost:4810, if nobody else has that port.
    async forwarder() {
        const { DataForwarder } = require('edge-impulse-linux/build/library/data-forwarder.js');
        const { api, project } = await connect();
        const { apiKey, hmacKey } = await api.projects.listDevkeys(project);
        const forwarder = new DataForwarder({
            apiKey, hmacKey, deviceType: 'TEST', deviceId: 'aa:bb', host: 'localhost', intervalMs: 16,
            sensors: [{ name: 'accX', units: 'm/s2' }],
        });
        for (let i = 0; i < 200; i++)
            forwarder.addData([Math.sin(i / 5)]);
        await forwarder.upload({ filename: 'forwarded.01', label: 'sine', category: 'training' });
        const sent = await api.rawData.listSamples(project, { category: 'training', labels: '["sine"]' });
        assert.equal(sent.samples.length, 1);
        assert.equal(sent.samples[0].signatureValidate, true);
    },
};

async function main() {
    const scenario = scenarios[process.argv[2]];
    if (!scenario)
        throw new Error(`no scenario ${process.argv[2]}; there are ${Object.keys(scenarios).join(' ')}`);
    await scenario();
}

main().catch((e) => {
    console.error(e && e.stack ? e.stack : e);
    process.exit(1);
});
