// The visual builder of conditions: a rule as nested groups, by mouse and by keyboard, beside its text.
// SPDX-License-Identifier: Apache-2.0

const version = new URL(import.meta.url).search;
const { operators, operatorTexts, read, shape, write, writeRule } = await import(`./conditions.js${version}`);
const { draggable } = await import(`./rows.js${version}`);

/// An element; `onclick` and the like are listeners, true is an attribute without a value.
function el(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
        else if (value === true) made.setAttribute(name, '');
        else if (value !== undefined && value !== false) made.setAttribute(name, value);
    }
    made.append(...children.filter(child => child !== undefined && child !== false));
    return made;
}

/// Puts tabs above a rule's text and the builder behind the first of them.
export async function build(form) {
    const area = form.elements.rule;
    const answer = await fetch('/segments/catalogue.json');
    if (!answer.ok) return;
    const builder = new Builder(form, area, await answer.json());
    await builder.start();
}

class Builder {
    constructor(form, area, catalogue) {
        Object.assign(this, { form, area, catalogue, words: catalogue.texts, number: 0, places: new Map() });
        this.panel = el('div', { class: 'builder', id: 'builder', role: 'tabpanel', 'aria-labelledby': 'tab-conditions', hidden: true });
        this.said = el('p', { class: 'hidden', 'aria-live': 'polite' });
        this.problem = el('p', { class: 'wrong', role: 'alert', hidden: true });
        this.field = area.closest('.field');
        Object.entries({ id: 'rule-text', role: 'tabpanel', 'aria-labelledby': 'tab-text' })
            .forEach(([name, value]) => this.field.setAttribute(name, value));
        this.tabs = ['conditions', 'text'].map((name, at) => el('button', {
            type: 'button', role: 'tab', id: `tab-${name}`, 'aria-controls': at ? 'rule-text' : 'builder',
            onclick: () => {
                localStorage.setItem('rule-view', name);
                if (at) this.showText(); else this.showConditions();
            },
        }, at ? this.words.rule : this.words.splitConditions));
        const list = el('div', { class: 'switch', role: 'tablist', onkeydown: event => this.switchByKey(event) }, ...this.tabs);
        this.field.before(list, this.problem, this.panel, this.said);
        this.panel.addEventListener('keydown', event => this.key(event));
        draggable(this.panel, '[data-node]', (from, to, isAfter) => this.drop(Number(from.dataset.node), Number(to.dataset.node), isAfter));
        form.addEventListener('counted', () => this.showError());
        document.getElementById('result').addEventListener('click', event => {
            if (event.target.closest('[data-jump]') && !this.panel.hidden) this.jump(event);
        }, { capture: true });
    }

    async start() {
        if (localStorage.getItem('rule-view') === 'text' || !await this.showConditions()) this.showText();
    }

    // MARK: Tabs

    switchByKey(event) {
        if (!['ArrowLeft', 'ArrowRight'].includes(event.key)) return;
        const other = this.tabs[this.panel.hidden ? 0 : 1];
        other.focus();
        other.click();
    }

    select(isConditions) {
        this.panel.hidden = !isConditions;
        this.field.hidden = isConditions;
        this.problem.hidden = true;
        this.form.querySelector('.columns')?.classList.toggle('building', isConditions);
        this.tabs.forEach((tab, at) => {
            const isSelected = isConditions === (at === 0);
            tab.setAttribute('aria-selected', String(isSelected));
            tab.tabIndex = isSelected ? 0 : -1;
        });
    }

    showText() {
        this.select(false);
        this.panel.replaceChildren();
    }

    /// Shows the rule's text as conditions, unless it cannot be read; the text stays as it is until something changes.
    async showConditions() {
        const text = this.area.value;
        const tree = text.trim() ? await this.parsed(text) : { group: 'and', parts: [] };
        if (text !== this.area.value) return false;
        if (tree.message) {
            this.problem.textContent = this.words.ruleUnreadable + tree.message;
            this.problem.hidden = false;
            this.area.focus();
            this.area.setSelectionRange(tree.start ?? 0, tree.end ?? 0);
            return false;
        }
        const root = this.node(tree);
        this.root = root.parts ? root : this.group('and', [root]);
        this.select(true);
        this.places = new Map();
        this.render();
        return true;
    }

    /// A rule's groups and conditions; `message` and the place where it cannot be read.
    async parsed(rule) {
        try {
            const answer = await fetch('/segments/tree', { method: 'POST', body: new URLSearchParams({ rule }) });
            if (answer.ok || answer.status === 422) return await answer.json();
        } catch { /* Said below. */ }
        return { message: this.words.builderFailed };
    }

    // MARK: Model

    group(sign, parts, negated = false) {
        return { id: ++this.number, group: sign, parts, negated };
    }

    node(tree) {
        if (tree.parts) return this.group(tree.group, tree.parts.map(part => this.node(part)), tree.negated);
        const leaf = { id: ++this.number, negated: tree.negated, ...read(tree, this.catalogue) };
        leaf.questions?.forEach(question => Object.assign(question, { id: ++this.number, owner: leaf }));
        // Planners read "VIP: no", not "not VIP: yes".
        if (leaf.operator === 'yes' && leaf.negated) Object.assign(leaf, { operator: 'no', negated: false, text: `NOT ${leaf.text}` });
        return leaf;
    }

    /// A node by its number, with its group and its place there.
    find(id, group = this.root) {
        if (id === this.root.id) return { node: this.root };
        for (const [place, node] of group.parts.entries()) {
            if (node.id === id) return { node, group, place };
            const found = node.parts && this.find(id, node);
            if (found) return found;
        }
        return undefined;
    }

    /// Writes the rule's text, which is counted then.
    changed() {
        const { text, places } = writeRule(this.root);
        this.places = places;
        this.area.value = text;
        this.area.dispatchEvent(new Event('input', { bubbles: true }));
    }

    /// After a change of what there is: draws all and goes back to where the reader was.
    rebuilt(focus) {
        this.changed();
        this.render();
        this.focus(focus);
    }

    focus(key) {
        const node = String(key).split(':')[0];
        const target = this.panel.querySelector(`[data-key="${key}"]:not(:disabled)`)
            ?? this.panel.querySelector(`[data-key^="${node}:"]:not(:disabled)`) ?? this.panel.querySelector('[data-key]');
        target?.focus();
    }

    say(text) {
        this.said.textContent = text;
    }

    add(group, node) {
        group.parts.push(node);
        this.rebuilt(node.parts ? `${node.id}:condition` : `${node.id}:subject`);
        if (!node.parts) this.panel.querySelector(`[data-key="${node.id}:subject"]`).click();
    }

    remove(id) {
        const { group, place } = this.find(id);
        group.parts.splice(place, 1);
        const near = group.parts[Math.min(place, group.parts.length - 1)] ?? group;
        this.rebuilt(near === group ? `${group.id}:condition` : `${near.id}:${near.parts ? 'sign' : 'subject'}`);
        this.say(this.words.conditionRemoved);
    }

    /// One step up or down: past a condition, into a group, out of one.
    step(id, by, key) {
        const { node, group, place } = this.find(id);
        if (!group) return;
        const next = group.parts[place + by];
        const outer = this.find(group.id);
        if (!next && !outer.group) return;
        group.parts.splice(place, 1);
        if (next?.parts) next.parts.splice(by < 0 ? next.parts.length : 0, 0, node);
        else if (next) group.parts.splice(place + by, 0, node);
        else outer.group.parts.splice(outer.place + (by > 0 ? 1 : 0), 0, node);
        this.moved(node, key);
    }

    drop(id, target, isAfter) {
        const from = this.find(id);
        const to = this.find(target);
        if (!from?.group || !to || id === target || (from.node.parts && contains(from.node, to.node))) return;
        from.group.parts.splice(from.place, 1);
        // Below the head of a group is inside it; so is an empty group.
        if (to.node.parts && (isAfter || !to.group)) to.node.parts.unshift(from.node);
        else to.group.parts.splice(to.group.parts.indexOf(to.node) + (isAfter ? 1 : 0), 0, from.node);
        this.moved(from.node, `${id}:down`);
    }

    moved(node, key) {
        this.rebuilt(key);
        const { group, place } = this.find(node.id);
        this.say(this.words.movedTo.replace('{0}', place + 1).replace('{1}', group.parts.length));
    }

    key(event) {
        const id = Number(event.target.closest('[data-node]')?.dataset.node);
        if (event.altKey && ['ArrowUp', 'ArrowDown'].includes(event.key) && id) {
            event.preventDefault();
            this.step(id, event.key === 'ArrowUp' ? -1 : 1, event.target.dataset.key);
        }
        // The form is not sent from inside a condition.
        if (event.key === 'Enter' && event.target.matches('input')) event.preventDefault();
    }

    // MARK: Errors

    /// The condition that an error of the result concerns, where the text is the builder's own.
    wrongNode(place) {
        const [start, end] = [Number(place.dataset.start), Number(place.dataset.end)];
        return [...this.places].find(([, [first, last]]) => first <= start && end <= last)?.[0];
    }

    showError() {
        this.panel.querySelectorAll('[data-found]').forEach(each => each.remove());
        this.panel.querySelectorAll('.condition.wrong').forEach(each => each.classList.remove('wrong'));
        const place = document.querySelector('#result [data-start]');
        const node = place && this.wrongNode(place);
        const row = node && this.panel.querySelector(`[data-node="${node.id}"]`);
        if (!row) return;
        row.classList.add('wrong');
        row.append(el('p', { class: 'wrong', 'data-found': true }, place.querySelector('p').textContent));
    }

    jump(event) {
        const node = this.wrongNode(event.target.closest('[data-start]'));
        if (!node) { this.showText(); return; }
        event.stopPropagation();
        this.focus(`${node.id}:value`);
    }

    // MARK: Page

    render() {
        this.panel.replaceChildren(this.groupView(this.root, true));
        this.showError();
    }

    button(node, role, label, act, extra = {}) {
        return el('button', { type: 'button', class: 'button small', 'data-key': `${node.id}:${role}`, onclick: act, ...extra }, label);
    }

    choice(node, role, label, options, selected, act) {
        const made = el('select', { 'aria-label': label, 'data-key': `${node.id}:${role}`, onchange: () => act(made.value) },
            ...options.map(([value, text]) => el('option', { value, selected: value === selected }, text)));
        return made;
    }

    /// Handle, up, down and remove.
    acts(node, isRoot) {
        if (isRoot) return [];
        const { words } = this;
        return [el('span', { class: 'acts' },
            this.button(node, 'up', '↑', () => this.step(node.id, -1, `${node.id}:up`), { 'aria-label': words.moveUp, title: words.moveUp }),
            this.button(node, 'down', '↓', () => this.step(node.id, 1, `${node.id}:down`), { 'aria-label': words.moveDown, title: words.moveDown }),
            this.button(node, 'remove', '×', () => this.remove(node.id), { 'aria-label': words.remove, title: words.remove }))];
    }

    handle() {
        return el('span', { class: 'handle', draggable: 'true', title: this.words.dragHint, 'aria-hidden': 'true' }, '⠿');
    }

    not(node) {
        return this.button(node, 'not', this.words.notWord, () => {
            node.negated = !node.negated;
            this.rebuilt(`${node.id}:not`);
        }, { 'aria-pressed': String(node.negated) });
    }

    groupView(group, isRoot = false) {
        const { words } = this;
        const head = el('div', { class: 'head', 'data-node': group.id, 'data-head': true },
            !isRoot && this.handle(), this.not(group),
            this.choice(group, 'sign', words.joinedBy, [['and', words.allOf], ['or', words.anyOf]], group.group, sign => {
                group.group = sign;
                this.changed();
            }),
            this.button(group, 'condition', `+ ${words.addCondition}`, () => this.add(group, { id: ++this.number, negated: false })),
            this.button(group, 'group', `+ ${words.addGroup}`, () => this.add(group, this.group(group.group === 'and' ? 'or' : 'and', []))),
            ...this.acts(group, isRoot));
        const parts = group.parts.map(part => el('li', {}, part.parts ? this.groupView(part) : this.conditionView(part)));
        return el('div', { class: 'group', role: 'group', 'aria-label': words.conditionGroup }, head,
            parts.length ? el('ol', {}, ...parts) : el('p', { class: 'help' }, words.emptyGroup));
    }

    conditionView(leaf) {
        const row = el('div', { class: 'condition', role: 'group', 'aria-label': this.words.condition, 'data-node': leaf.id },
            this.handle(), this.not(leaf), this.subjectView(leaf), ...this.fields(leaf), ...this.acts(leaf));
        this.mark(row, leaf);
        return row;
    }

    /// Says below a condition that it is not complete.
    mark(row, leaf) {
        row.querySelector('[data-missing]')?.remove();
        const isComplete = leaf.text !== undefined;
        row.querySelector('.combo input').setCustomValidity(isComplete ? '' : this.words.incomplete);
        if (!isComplete) row.append(el('p', { class: 'help', 'data-missing': true }, this.words.incomplete));
    }

    /// A condition's text says what its fields say; one on rows is part of its owner's.
    rewrite(leaf) {
        leaf.text = write(leaf);
        if (leaf.owner) this.rewrite(leaf.owner);
    }

    /// Takes over what a field says, without drawing anything anew.
    typed(leaf, event) {
        this.rewrite(leaf);
        this.mark(event.target.closest('.condition'), leaf.owner ?? leaf);
        this.changed();
    }

    // MARK: Subjects

    subjects() {
        const { words, catalogue } = this;
        const special = [
            ['list', words.onSpecialList, catalogue.lists], ['product', words.functionOwns, catalogue.products],
            ['audience', words.inAudience, catalogue.audiences],
        ].filter(([, , choices]) => choices.length).map(([kind, label]) => ({ label, code: '', set: { kind, values: [''] } }));
        return this.known ??= [
            ...special,
            ...catalogue.sources.map(source => ({
                label: `${words.behaviour}: ${source.label}`, code: source.code, source,
                set: { kind: 'behaviour', source, function: 'did', window: 'none', questions: [] },
            })),
            { label: words.rule, code: '', set: { kind: 'text', raw: '' } },
            ...catalogue.attributes.map(field => ({
                label: field.label, code: field.code, alias: field.alias, group: field.group, field,
                set: { kind: 'attribute', field, operator: operators(field)[0], values: [''], interval: { count: '30', unit: 'day' } },
            })),
        ];
    }

    subjectOf(leaf) {
        return this.subjects().find(each => each.set.kind === leaf.kind && each.field === leaf.field && each.source === leaf.source);
    }

    choose(leaf, subject) {
        for (const key of Object.keys(leaf)) if (!['id', 'negated'].includes(key)) delete leaf[key];
        Object.assign(leaf, structuredCopy(subject.set));
        if (leaf.operator) this.suit(leaf);
        this.rewrite(leaf);
        this.rebuilt(`${leaf.id}:${leaf.kind === 'text' ? 'raw' : leaf.operator ? 'operator' : leaf.kind === 'behaviour' ? 'function' : 'value'}`);
    }

    /// What a condition is about: a field to search in, and a list.
    subjectView(leaf) {
        const { words } = this;
        const list = el('ul', { role: 'listbox', id: `subjects-${leaf.id}`, 'aria-label': words.findSubject, hidden: true });
        const input = el('input', {
            role: 'combobox', 'aria-label': words.findSubject, 'aria-expanded': 'false', 'aria-controls': list.id,
            'aria-autocomplete': 'list', autocomplete: 'off', placeholder: words.findSubject, 'data-key': `${leaf.id}:subject`,
            value: this.subjectOf(leaf)?.label ?? '',
        });
        let current = -1;
        const point = at => {
            const options = [...list.querySelectorAll('[role=option]')];
            current = options.length ? (at + options.length) % options.length : -1;
            options.forEach((option, place) => option.setAttribute('aria-selected', String(place === current)));
            options[current]?.scrollIntoView({ block: 'nearest' });
            input.setAttribute('aria-activedescendant', options[current]?.id ?? '');
        };
        const close = () => {
            list.hidden = true;
            input.setAttribute('aria-expanded', 'false');
            input.removeAttribute('aria-activedescendant');
            input.value = this.subjectOf(leaf)?.label ?? '';
        };
        const open = wanted => {
            const found = this.subjects().filter(each =>
                `${each.label} ${each.code} ${each.alias ?? ''}`.toLowerCase().includes(wanted.trim().toLowerCase()));
            list.replaceChildren(...found.map((each, at) => el('li', {
                role: 'option', id: `${list.id}-${at}`, onclick: () => this.choose(leaf, each),
                onmousedown: event => event.preventDefault(),
            }, each.label, ' ', el('code', {}, each.code), el('small', {}, each.group ?? ''))));
            if (!found.length) list.append(el('li', { role: 'option', 'aria-disabled': 'true' }, words.nothingFound));
            list.hidden = false;
            input.setAttribute('aria-expanded', 'true');
            point(found.length && wanted ? 0 : -1);
        };
        input.addEventListener('click', () => { input.select(); open(''); });
        input.addEventListener('input', event => { event.stopPropagation(); open(input.value); });
        input.addEventListener('change', event => event.stopPropagation());
        input.addEventListener('blur', close);
        input.addEventListener('keydown', event => {
            if (event.altKey) return;
            if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
                event.preventDefault();
                if (list.hidden) open('');
                point(current + (event.key === 'ArrowDown' ? 1 : -1));
            }
            if (event.key === 'Enter') list.querySelector('[aria-selected=true]')?.click();
            if (event.key === 'Escape') close();
        });
        return el('span', { class: 'combo' }, input, list);
    }

    // MARK: Fields

    fields(leaf) {
        const { catalogue, words } = this;
        switch (leaf.kind) {
        case 'attribute': return [this.operatorView(leaf, leaf.field), ...this.valueViews(leaf, leaf.field)];
        case 'behaviour': return this.behaviourViews(leaf);
        case 'text': return [this.textView(leaf)];
        case undefined: return [];
        default: {
            const choices = { list: catalogue.lists, product: catalogue.products, audience: catalogue.audiences }[leaf.kind];
            return [this.valueChoice(leaf, choices, 0, words.value)];
        }
        }
    }

    operatorView(leaf, field, known = operators(field)) {
        return this.choice(leaf, 'operator', this.words.comparisonWord, known.map(each => [each, this.words[operatorTexts[each]]]), leaf.operator, operator => {
            leaf.operator = operator;
            this.suit(leaf);
            this.rewrite(leaf);
            this.rebuilt(`${leaf.id}:operator`);
        });
    }

    /// As many values as the operator takes.
    suit(leaf) {
        const needed = { none: 0, one: 1, range: 2, several: leaf.values?.length ?? 0, interval: 0 }[shape(leaf.operator)];
        leaf.values = Array.from({ length: needed }, (_, at) => leaf.values?.[at] ?? '').filter((each, at) =>
            shape(leaf.operator) !== 'several' || each !== '');
        leaf.interval ??= { count: '30', unit: 'day' };
    }

    valueViews(leaf, field) {
        const { words } = this;
        switch (shape(leaf.operator)) {
        case 'none': return [];
        case 'interval': return this.intervalViews(leaf);
        case 'range':
            return [this.valueView(leaf, field, 0), el('span', {}, words.toWord), this.valueView(leaf, field, 1), this.unit(field)];
        case 'several': return [field.type === 'enum' ? this.checks(leaf, field) : this.listView(leaf)];
        default: return [this.valueView(leaf, field, 0), this.unit(field)];
        }
    }

    unit(field) {
        return field.unit ? el('span', { class: 'muted' }, field.unit) : undefined;
    }

    input(leaf, key, label, value, take, extra = {}) {
        const made = el('input', { 'aria-label': label, 'data-key': `${leaf.id}:${key}`, value: value ?? '', ...extra,
            oninput: event => { take(made.value); this.typed(leaf, event); } });
        return made;
    }

    valueView(leaf, field, at) {
        if (field.type === 'enum') return this.valueChoice(leaf, field.domain, at, this.words.value);
        const kinds = { number: { type: 'number', step: 'any' }, day: { type: 'date' } };
        const key = at ? 'value2' : 'value';
        const list = field.known?.length ? `known-${leaf.id}` : undefined;
        const made = this.input(leaf, key, `${field.label ?? ''} ${this.words.value}`.trim(), leaf.values[at], value => { leaf.values[at] = value; },
            kinds[field.type] ?? { maxlength: 500, list });
        if (!list) return made;
        return el('span', {}, made, el('datalist', { id: list }, ...field.known.map(({ value, label }) => el('option', { value }, label))));
    }

    valueChoice(leaf, choices, at, label) {
        const made = el('select', { 'aria-label': label, 'data-key': `${leaf.id}:${at ? 'value2' : 'value'}`,
            onchange: event => { leaf.values[at] = made.value; this.typed(leaf, event); } },
            el('option', { value: '' }, this.words.choose),
            ...choices.map(({ value, label: text }) => el('option', { value, selected: value === leaf.values[at] }, text)));
        return made;
    }

    checks(leaf, field) {
        return el('fieldset', { class: 'choices', 'aria-label': field.label }, ...field.domain.map(({ value, label }, at) => {
            const box = el('input', { type: 'checkbox', checked: leaf.values.includes(value), 'data-key': `${leaf.id}:${at ? `value-${at}` : 'value'}`,
                onchange: event => {
                    leaf.values = field.domain.map(each => each.value).filter(each => each === value ? box.checked : leaf.values.includes(each));
                    this.typed(leaf, event);
                } });
            return el('label', { class: 'check' }, box, label);
        }));
    }

    listView(leaf) {
        return this.input(leaf, 'value', this.words.severalValues, leaf.values.join(', '), text => {
            leaf.values = [...new Set(text.split(/[,，、\n]/).map(each => each.trim()).filter(each => each))];
        }, { placeholder: this.words.severalValues, class: 'long' });
    }

    intervalViews(leaf) {
        const { words } = this;
        return [
            this.input(leaf, 'count', words.timeWindow, leaf.interval.count, value => { leaf.interval.count = value; }, { type: 'number', min: 0, step: 1 }),
            this.choice(leaf, 'unit', words.timeWindow, [['day', words.unitDays], ['month', words.unitMonths]], leaf.interval.unit, unit => {
                leaf.interval.unit = unit;
                this.rewrite(leaf);
                this.changed();
            }),
        ];
    }

    /// A condition as text: what was written is read, and shown in fields if there are some for it.
    textView(leaf) {
        const take = async made => {
            const tree = await this.parsed(made.value);
            const found = this.find(leaf.id);
            if (tree.message || !found || leaf.raw !== made.value || !made.isConnected) return;
            const node = this.node(tree);
            if (leaf.negated && node.negated) found.group.parts[found.place] = this.group('and', [node], true);
            else found.group.parts[found.place] = Object.assign(node, { id: leaf.id, negated: leaf.negated || node.negated });
            const key = document.activeElement?.dataset.key;
            this.rebuilt(key === `${leaf.id}:raw` ? `${leaf.id}:subject` : key);
        };
        const made = el('textarea', { class: 'code', rows: 2, 'aria-label': this.words.rule, 'data-key': `${leaf.id}:raw`,
            spellcheck: 'false', maxlength: 20000, oninput: event => { leaf.raw = made.value; this.typed(leaf, event); },
            onchange: () => { if (made.value.trim()) take(made); } });
        made.value = leaf.raw ?? leaf.text ?? '';
        return made;
    }

    behaviourViews(leaf) {
        const { words } = this;
        const set = (name, after) => value => {
            after?.(value);
            leaf[name] = value;
            this.rewrite(leaf);
            this.rebuilt(`${leaf.id}:${name}`);
        };
        const functions = [['did', words.fnDid], ['count', words.fnCount], ['sum', words.fnSum], ['last', words.fnLast]]
            .filter(([name]) => name !== 'sum' || leaf.source.columns.some(column => column.type === 'number'));
        const made = [this.choice(leaf, 'function', words.behaviour, functions, leaf.function, set('function', () => {
            Object.assign(leaf, { operator: '=', values: [''], column: undefined });
        }))];
        const columns = leaf.source.columns.filter(column => leaf.function === 'sum' ? column.type === 'number' : column.type !== 'flag');
        if (['sum', 'last'].includes(leaf.function)) {
            made.push(this.choice(leaf, 'column', words.behaviourColumn, [['', words.choose], ...columns.map(({ code, label }) => [code, label])],
                leaf.column?.code ?? '', code => set('column')(columns.find(column => column.code === code))));
        }
        if (leaf.function !== 'did' && (leaf.function !== 'last' || leaf.column)) {
            const field = leaf.function === 'last' ? leaf.column : { type: 'number', label: '', domain: [] };
            const known = ['=', '<>', '<', '<=', '>', '>='].slice(0, field.type === 'text' ? 2 : 6);
            made.push(this.operatorView(leaf, field, known), this.valueView(leaf, field, 0));
        }
        made.push(
            this.choice(leaf, 'window', words.timeWindow,
                [['none', words.anyTime], ['within', words.opLast], ['between', words.opBetween]], leaf.window, set('window', () => {
                    leaf.interval ??= { count: '90', unit: 'day' };
                    leaf.days ??= ['', ''];
                })),
            ...(leaf.window === 'within' ? this.intervalViews(leaf) : []),
            ...(leaf.window === 'between' ? [0, 1].map(at => this.input(leaf, `day${at}`, words.timeWindow, leaf.days[at],
                value => { leaf.days[at] = value; }, { type: 'date' })) : []),
            ...this.rowViews(leaf));
        return made;
    }

    /// Which rows of a source count: questions of its columns, or a text where those do not do.
    rowViews(leaf) {
        const { words } = this;
        if (!leaf.questions) {
            return [this.input(leaf, 'rows', words.behaviourRows, leaf.rows, value => { leaf.rows = value; },
                { placeholder: words.behaviourRows, class: 'long code', maxlength: 2000 })];
        }
        const ask = (question, field) => {
            Object.assign(question, { kind: 'attribute', field, operator: operators(field)[0], values: [''] });
            this.suit(question);
            this.rewrite(question);
            this.rebuilt(`${question.id}:operator`);
        };
        const { columns } = leaf.source;
        const views = leaf.questions.map(question => el('span', { class: 'rows-where', role: 'group', 'aria-label': words.onlyRows },
            el('span', { class: 'muted' }, words.onlyRows),
            this.choice(question, 'column', words.behaviourColumn, [...columns.map(({ code, label }) => [code, label]), ['', words.rule]],
                question.field.code, code => {
                    if (code) return ask(question, columns.find(column => column.code === code));
                    Object.assign(leaf, { rows: leaf.questions.map(each => each.text).filter(text => text).join(' AND '), questions: undefined });
                    this.rewrite(leaf);
                    return this.rebuilt(`${leaf.id}:rows`);
                }),
            this.operatorView(question, question.field), ...this.valueViews(question, question.field),
            this.button(question, 'remove', '×', () => {
                leaf.questions.splice(leaf.questions.indexOf(question), 1);
                this.rewrite(leaf);
                this.rebuilt(`${leaf.id}:where`);
            }, { 'aria-label': words.remove, title: words.remove })));
        const add = this.button(leaf, 'where', `+ ${words.onlyRows}`, () => {
            const question = { id: ++this.number, owner: leaf };
            leaf.questions.push(question);
            // Days are asked for by the window.
            ask(question, columns.find(column => column.type !== 'day') ?? columns[0]);
        });
        return columns.length ? [...views, add] : views;
    }
}

/// Whether a node is below a group.
function contains(group, node) {
    return group.parts.some(part => part === node || (part.parts && contains(part, node)));
}

/// A copy of what is changed; fields and sources of the catalogue stay the same objects.
function structuredCopy(set) {
    return { ...set, ...(set.values && { values: [...set.values] }), ...(set.questions && { questions: [] }), ...(set.interval && { interval: { ...set.interval } }) };
}
