// The console's behaviour: small enhancements of pages that work without them.
// SPDX-License-Identifier: Apache-2.0

const body = document.body;
document.documentElement.classList.add('scripted');

// What was done is said once: not again when the page is read again.
const address = new URL(location.href);
if (address.searchParams.has('done')) {
    address.searchParams.delete('done');
    history.replaceState(null, '', address);
}

// Menu on narrow screens.
const menuButton = document.querySelector('.menubutton');
menuButton?.addEventListener('click', () => {
    const isOpen = document.getElementById('menu').classList.toggle('open');
    menuButton.setAttribute('aria-expanded', String(isOpen));
});

// Questions before acts that cannot be taken back or that reach many people.
function ask(source) {
    return new Promise(answer => {
        const dialog = document.createElement('dialog');
        const title = document.createElement('h2');
        const effect = document.createElement('p');
        const actions = document.createElement('div');
        const no = document.createElement('button');
        const yes = document.createElement('button');
        title.id = 'question';
        effect.id = 'effect';
        dialog.setAttribute('aria-labelledby', 'question');
        dialog.setAttribute('aria-describedby', 'effect');
        title.textContent = source.dataset.ask;
        effect.textContent = source.dataset.effect;
        no.textContent = body.dataset.cancel;
        yes.textContent = body.dataset.confirm;
        actions.className = 'actions';
        no.className = 'button';
        yes.className = source.dataset.danger ? 'button danger' : 'button primary';
        actions.append(no, yes);
        dialog.append(title, effect, actions);
        body.append(dialog);
        no.addEventListener('click', () => dialog.close('no'));
        yes.addEventListener('click', () => dialog.close('yes'));
        dialog.addEventListener('close', () => { dialog.remove(); answer(dialog.returnValue === 'yes'); });
        dialog.showModal();
        (source.dataset.danger ? no : yes).focus();
    });
}

function reasonMissing(form, submitter) {
    const reason = form.elements.reason;
    if (!submitter?.hasAttribute('data-needs-reason') || reason.value.trim()) return false;
    reason.setCustomValidity(form.dataset.reasonMissing);
    reason.reportValidity();
    reason.addEventListener('input', () => reason.setCustomValidity(''), { once: true });
    return true;
}

document.addEventListener('submit', async event => {
    const form = event.target;
    const submitter = event.submitter;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (reasonMissing(form, submitter)) { event.preventDefault(); return; }
    const source = [submitter, form].find(element => element?.dataset.ask);
    if (source && !form.dataset.confirmed) {
        event.preventDefault();
        if (!await ask(source)) { submitter?.focus(); return; }
        form.dataset.confirmed = 'yes';
        form.requestSubmit(submitter ?? undefined);
        return;
    }
    // A download leaves its page as it is.
    if (form.method === 'post' && !form.hasAttribute('data-download')) {
        form.dataset.sent = 'yes';
        // After the browser has read which button was pressed.
        setTimeout(() => form.querySelectorAll('button').forEach(button => { button.disabled = true; }));
    }
});
// A page that comes back from the history can be used again.
window.addEventListener('pageshow', event => { if (event.persisted) location.reload(); });

// Unsaved changes.
const guarded = document.querySelector('form[data-guard]');
if (guarded) {
    let isChanged = false;
    guarded.addEventListener('input', () => { isChanged = true; });
    guarded.addEventListener('submit', () => { isChanged = false; });
    window.addEventListener('beforeunload', event => { if (isChanged) event.preventDefault(); });
    const wrong = guarded.querySelector('.field.wrong input, .field.wrong textarea, .field.wrong select');
    wrong?.focus();
    if (wrong?.dataset.start) wrong.setSelectionRange(Number(wrong.dataset.start), Number(wrong.dataset.end));
}

// Length of a message and the SMS it takes (3GPP TS 23.040; the server counts the same way).
const extended = '^{}\\[~]|€';
const gsm = new Set('@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡'
    + 'ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà' + extended);
export function messageSize(text) {
    const characters = [...text];
    const isGSM = characters.every(character => gsm.has(character));
    const length = isGSM
        ? characters.length + characters.filter(character => extended.includes(character)).length : text.length;
    const [single, each] = isGSM ? [160, 153] : [70, 67];
    return { length, parts: length <= single ? Math.min(length, 1) : Math.ceil(length / each) };
}
for (const area of document.querySelectorAll('[data-counter]')) {
    const out = document.getElementById(area.dataset.counter);
    area.addEventListener('input', () => {
        const { length, parts } = messageSize(area.value);
        out.textContent = out.dataset.pattern.replace('{0}', length).replace('{1}', parts);
    });
}

// Live count of a segment as its form stands, whatever it is made of.
const editor = document.querySelector('form[data-live]');
if (editor) {
    const rule = editor.elements.rule;
    const result = document.getElementById('result');
    let timer;
    let request;
    let asked;
    const count = async () => {
        const form = new URLSearchParams(new FormData(editor));
        // Leaving a field says again what typing in it said.
        if (form.toString() === asked) return;
        asked = form.toString();
        request?.abort();
        const mine = request = new AbortController();
        result.classList.add('busy');
        try {
            const answer = await fetch(editor.dataset.live, {
                method: 'POST',
                body: form,
                signal: mine.signal,
            });
            const text = await answer.text();
            // An answer that was overtaken is not shown.
            if (mine.signal.aborted) return;
            if (!answer.ok) throw new Error(answer.statusText);
            result.innerHTML = text;
            rule?.setAttribute('aria-invalid', String(result.querySelector('[data-start]') !== null));
            drawCharts(result.querySelectorAll('[data-chart]'));
        } catch {
            if (mine.signal.aborted) return;
            asked = undefined;
            const notice = document.createElement('p');
            notice.className = 'wrong';
            notice.textContent = editor.dataset.failed;
            result.replaceChildren(notice);
        }
        result.classList.remove('busy');
        editor.dispatchEvent(new Event('counted'));
    };
    const later = () => { clearTimeout(timer); timer = setTimeout(count, 300); };
    editor.addEventListener('input', later);
    editor.addEventListener('change', later);
    result.addEventListener('click', event => {
        const place = event.target.closest('[data-jump]')?.parentElement;
        if (!place || !rule) return;
        rule.focus();
        rule.setSelectionRange(Number(place.dataset.start), Number(place.dataset.end));
    });
    const version = new URL(import.meta.url).search;
    if (rule) {
        import(`./builder.js${version}`).then(module => module.build(editor)).catch(error => console.error(error))
            .finally(() => { editor.dataset.ready = 'yes'; });
    }
    const lists = editor.querySelectorAll('[data-rows]');
    import(`./rows.js${version}`).then(module => lists.forEach(module.rows)).catch(error => console.error(error));
    const picker = editor.querySelector('[data-picker]');
    picker?.addEventListener('click', event => {
        const text = event.target.closest('[data-insert]')?.dataset.insert;
        if (text === undefined) return;
        const before = rule.value.slice(0, rule.selectionStart);
        const gap = before && !/[\s(]$/.test(before) && !text.startsWith(' ') ? ' ' : '';
        rule.setRangeText(gap + text, rule.selectionStart, rule.selectionEnd, 'end');
        rule.focus();
        rule.dispatchEvent(new Event('input', { bubbles: true }));
    });
    const wanted = picker?.querySelector('input');
    wanted?.addEventListener('input', event => {
        event.stopPropagation();
        const words = wanted.value.trim().toLowerCase();
        for (const group of picker.querySelectorAll('details')) {
            let found = 0;
            for (const item of group.querySelectorAll('li')) {
                const isShown = item.dataset.words.toLowerCase().includes(words);
                item.hidden = !isShown;
                found += isShown ? 1 : 0;
            }
            group.hidden = found === 0;
            if (words) group.open = found > 0;
        }
    });
    wanted?.addEventListener('keydown', event => {
        if (event.key === 'Enter') event.preventDefault();
    });
}

// The first rows of a list, before it is imported: its beginning is sent, of a sheet all.
const list = document.querySelector('input[data-preview]');
if (list) {
    const { form } = list;
    const { kind, column } = form.elements;
    const shown = document.getElementById('preview');
    let request;
    const say = (text, name) => {
        const note = document.createElement('p');
        note.className = name;
        note.textContent = text;
        shown.replaceChildren(note);
    };
    const preview = async () => {
        request?.abort();
        const [file] = list.files;
        if (!file) { shown.replaceChildren(); return; }
        const mine = request = new AbortController();
        try {
            const mark = new Uint8Array(await file.slice(0, 2).arrayBuffer());
            const isSheet = mark[0] === 0x50 && mark[1] === 0x4B;
            if (isSheet && file.size > 20 * 1048576) { say(list.dataset.large, 'help'); return; }
            const sent = new FormData();
            sent.set('kind', kind.value);
            sent.set('column', column.value);
            sent.set('file', isSheet ? file : file.slice(0, 262144), file.name);
            const answer = await fetch(list.dataset.preview, { method: 'POST', body: sent, signal: mine.signal });
            const text = await answer.text();
            if (mine.signal.aborted) return;
            if (!answer.ok) throw new Error(answer.statusText);
            shown.innerHTML = text;
        } catch {
            if (!mine.signal.aborted) say(list.dataset.failed, 'help');
        }
    };
    for (const field of [list, kind, column]) field.addEventListener('change', preview);
    shown.addEventListener('change', event => {
        column.value = event.target.value;
        preview().then(() => shown.querySelector('input:checked')?.focus());
    });
}

// Rules of a policy: what each comes to is said below it while it is typed, and a suggestion is put in by its button.
const policy = document.querySelector('form[data-rules]');
if (policy) {
    const timers = new Map();
    const check = async area => {
        const result = area.parentElement.querySelector('.ruleresult');
        try {
            const answer = await fetch(policy.dataset.rules, {
                method: 'POST',
                body: new URLSearchParams({ rule: area.value }),
            });
            if (!answer.ok) return;
            const text = await answer.text();
            // An answer that was overtaken by typing is not shown.
            if (area.dataset.asked !== area.value) return;
            result.innerHTML = text;
            area.setAttribute('aria-invalid', String(result.querySelector('.wrong') !== null));
        } catch { /* The server checks again when the form is saved. */ }
    };
    policy.addEventListener('input', event => {
        const area = event.target.closest('[data-rule]');
        if (!area) return;
        area.dataset.asked = area.value;
        clearTimeout(timers.get(area));
        timers.set(area, setTimeout(() => check(area), 300));
    });
    policy.addEventListener('click', event => {
        const button = event.target.closest('[data-suggest]');
        if (!button) return;
        const area = button.closest('.ruleresult').parentElement.querySelector('[data-rule]');
        area.setRangeText(button.dataset.text, Number(button.dataset.start), Number(button.dataset.end), 'end');
        area.focus();
        area.dispatchEvent(new Event('input', { bubbles: true }));
    });
}

// Live progress of a campaign.
const live = document.querySelector('[data-progress]');
if (live) {
    const bar = live.querySelector('progress');
    const note = live.querySelector('[data-note]');
    const format = new Intl.NumberFormat('en-US');
    const source = new EventSource(live.dataset.progress);
    source.addEventListener('progress', event => {
        const state = JSON.parse(event.data);
        bar.max = Math.max(1, state.contacts);
        bar.value = state.sent;
        for (const figure of live.querySelectorAll('[data-value]')) {
            figure.textContent = format.format(state[figure.dataset.value]);
        }
        // Buttons and phase belong to the server: when they change, the page is read again.
        const changing = ['deciding', 'paused', 'finished', 'stopped'];
        if (state.stage !== live.dataset.stage && [state.stage, live.dataset.stage].some(stage => changing.includes(stage))) {
            source.close();
            location.reload();
            return;
        }
        const isHeld = state.stage === 'waiting' && state.heldByArea > 0;
        const text = note.dataset[isHeld ? 'held' : state.stage];
        if (text) note.textContent = text.replace('{0}', isHeld ? format.format(state.heldByArea) : state.problem ?? '');
        live.dataset.stage = state.stage;
    });
}

// Work under way: what is said of it is read again each second, and the page once it is over.
const watched = document.querySelector('[data-watch]');
if (watched) {
    const look = async () => {
        try {
            const answer = await fetch(watched.dataset.watch);
            const text = answer.ok ? await answer.text() : undefined;
            if (text === '') { location.reload(); return; }
            if (text) watched.innerHTML = text;
        } catch { /* The next look may succeed. */ }
        setTimeout(look, 1000);
    };
    setTimeout(look, 1000);
}

// Charts are drawn where there are any; without the library their tables stand open.
function drawCharts(charts) {
    if (!charts.length) return;
    delete body.dataset.charts;
    import('./charts.js').then(module => module.draw(charts)).catch(() => {
        for (const canvas of charts) {
            canvas.classList.add('undrawn');
            canvas.parentElement.querySelector('details').open = true;
        }
    }).finally(() => { body.dataset.charts = 'ready'; });
}
drawCharts(document.querySelectorAll('[data-chart]'));
