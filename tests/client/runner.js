// The published runner for .eim programs (npm edge-impulse-linux) on the socket of an impulse that is served here.
//
//   node runner.js SOCKET      with NODE_PATH set
//
// The impulse is the one of tests/unit/cmd/eim.c: windows of 8 readings of sound, scores "sum" and "first". Exit status 0
// when all of it holds; else what went wrong on stderr.
'use strict';
const assert = require('node:assert/strict');
const { LinuxImpulseRunner } = require('edge-impulse-linux/build/library/classifier/linux-impulse-runner.js');

async function main() {
    const runner = new LinuxImpulseRunner(process.argv[2]);
    const model = await runner.init();
    const p = model.modelParameters;
    assert.equal(model.project.name, 'sums');
    assert.equal(model.project.owner, 'me');
    assert.equal(p.input_features_count, 8);
    assert.equal(p.sensorType, 'microphone');
    assert.equal(p.frequency, 8);
    assert.equal(p.interval_ms, 125);
    assert.equal(p.axis_count, 1);
    assert.equal(p.has_anomaly, 2);
    assert.equal(p.model_type, 'classification');
    assert.equal(p.label_count, 2);
    assert.deepEqual(p.labels, ['sum', 'first']);
    assert.deepEqual(p.thresholds.map((t) => t.id), [3, 4]);
    assert.deepEqual(runner.getModel(), model);

    const { result, timing } = await runner.classify([5, 1, 1, 1, 1, 1, 1, 1]);
    assert.deepEqual(result.classification, { sum: 12, first: 5 });
    assert.ok(Math.abs(result.anomaly - 0.3) < 1e-6);
    for (const member of ['dsp', 'classification', 'anomaly'])
        assert.equal(typeof timing[member], 'number');

    assert.equal((await runner.setLearnBlockThreshold({ id: 4, min_anomaly_score: 7 })).success, true);
    assert.equal((await runner.classify(new Array(8).fill(0))).result.anomaly, 7);
    await assert.rejects(runner.classify([1, 2]), /must have 8 numbers, not 2/);

    for (let i = 1; i <= 4; i++)
        await runner.classifyContinuous([i, 0]);
    assert.equal((await runner.classifyContinuous([5, 0])).result.classification.sum, 14);
    await runner.stop();
    process.exit(0); // its socket stays open otherwise
}

main().catch((e) => {
    console.error(e && e.stack ? e.stack : e);
    process.exit(1);
});
