// Conditions as fields: what the builder shows of a rule's tree, and the text that the fields say. No page is touched.
// SPDX-License-Identifier: Apache-2.0

const compares = {
    '=': 'opEqual', '<>': 'opNotEqual', '<': 'opLess', '<=': 'opLessOrEqual', '>': 'opGreater', '>=': 'opGreaterOrEqual',
};
/// Texts of the operators by their names.
export const operatorTexts = {
    ...compares, between: 'opBetween', notBetween: 'opNotBetween', in: 'opIn', notIn: 'opNotIn', null: 'opNull',
    filled: 'opFilled', contains: 'opContains', begins: 'opBegins', like: 'opLike', notLike: 'opNotLike',
    last: 'opLast', next: 'opNext', ago: 'opAgo', since: 'opSince', yes: 'yes', no: 'no',
};
const empty = ['null', 'filled'];
const ranges = ['between', 'notBetween'];

/// The operators that suit a field.
export function operators(field) {
    switch (field.type) {
    case 'number': return [...Object.keys(compares), ...ranges, 'in', 'notIn', ...empty];
    case 'day': return ['last', 'next', 'ago', 'since', ...Object.keys(compares), ...ranges, ...empty];
    case 'enum':
        return field.isOrdered
            ? ['=', '<>', 'in', 'notIn', '<', '<=', '>', '>=', ...ranges, ...empty] : ['=', '<>', 'in', 'notIn', ...empty];
    case 'flag': return ['yes', 'no', ...empty];
    default: return ['=', '<>', 'contains', 'begins', 'like', 'notLike', 'in', 'notIn', ...empty];
    }
}

/// The fields that an operator asks for: none, one, range, several or interval.
export function shape(operator) {
    if (['yes', 'no', ...empty].includes(operator)) return 'none';
    if (ranges.includes(operator)) return 'range';
    if (['in', 'notIn'].includes(operator)) return 'several';
    return ['last', 'next', 'ago', 'since'].includes(operator) ? 'interval' : 'one';
}

const quoted = text => `'${text.replaceAll("'", "''")}'`;
const escaped = text => text.replaceAll(/[!%_]/g, '!$&');
const plain = text => text.replaceAll(/!(.)/gs, '$1');
const find = (fields, name) => fields.find(field => field.code === name || field.alias === name);

// MARK: From trees

/// A constant as its field shows it; undefined for anything else.
function constant(node, field) {
    switch (field.type) {
    case 'number':
        if (node.type === 'negative' && node.value.type === 'number') return `-${node.value.number}`;
        return node.type === 'number' ? node.number : undefined;
    case 'day': return node.type === 'day' ? node.day : undefined;
    case 'enum':
        return node.type === 'text' && field.domain.some(each => each.value === node.text) ? node.text : undefined;
    case 'text': return node.type === 'text' ? node.text : undefined;
    default: return undefined;
    }
}

const isToday = node => node.type === 'today';
/// The interval that is added to today or taken from it.
function fromToday(node, sign) {
    const fits = node.type === 'arithmetic' && node.operator === sign && isToday(node.left) && node.right.type === 'interval';
    return fits ? node.right.interval : undefined;
}

function like(node) {
    const negated = node.negated ? 'notLike' : 'like';
    if (node.pattern.type !== 'text' || (node.escape && node.escape.text !== '!')) return undefined;
    const pattern = node.pattern.text;
    if (!node.negated) {
        const isLiteral = text => !/[%_]/.test(node.escape ? text.replaceAll(/!./gs, '') : text);
        const value = text => node.escape ? plain(text) : text;
        const [, first, middle, last] = /^(%?)(.*?)(%?)$/s.exec(pattern);
        const isClosed = !node.escape || !/(^|[^!])(!!)*!$/.test(middle);
        if (middle && last && isClosed && isLiteral(middle)) {
            return { operator: first ? 'contains' : 'begins', values: [value(middle)] };
        }
    }
    return node.escape ? undefined : { operator: negated, values: [pattern] };
}

function comparison(node, field) {
    const value = constant(node.right, field);
    if (value !== undefined) return { operator: node.operator, values: [value] };
    const interval = field.type === 'day' ? fromToday(node.right, '-') : undefined;
    const operator = { '<': 'ago', '>=': 'since' }[node.operator];
    return interval && operator ? { operator, interval } : undefined;
}

function between(node, field) {
    const values = [node.low, node.high].map(each => constant(each, field));
    if (!values.includes(undefined)) return { operator: node.negated ? 'notBetween' : 'between', values };
    if (node.negated || field.type !== 'day') return undefined;
    const [past, coming] = [fromToday(node.low, '-'), fromToday(node.high, '+')];
    if (past && isToday(node.high)) return { operator: 'last', interval: past };
    return coming && isToday(node.low) ? { operator: 'next', interval: coming } : undefined;
}

function several(node, field) {
    const values = node.list.map(each => constant(each, field));
    const isShown = !values.includes(undefined) && (field.type === 'enum' || !values.some(each => /[,，、\n]|^\s|\s$|^$/.test(each)));
    return isShown && new Set(values).size === values.length ? { operator: node.negated ? 'notIn' : 'in', values } : undefined;
}

/// What an attribute is asked, or undefined.
function question(tree, fields) {
    const subject = tree.type === 'attribute' ? tree : tree.type === 'comparison' ? tree.left : tree.value;
    const field = subject?.type === 'attribute' ? find(fields, subject.attribute) : undefined;
    if (!field) return undefined;
    const asked = {
        attribute: () => field.type === 'flag' ? { operator: 'yes' } : undefined,
        comparison: () => comparison(tree, field), between: () => between(tree, field), in: () => several(tree, field),
        like: () => like(tree), isNull: () => ({ operator: tree.negated ? 'filled' : 'null' }),
    }[tree.type]?.();
    return asked && operators(field).includes(asked.operator) ? { kind: 'attribute', field, ...asked } : undefined;
}

const memberships = { on_list: 'list', owns: 'product', in_audience: 'audience' };

/// Questions of a source's columns, all of which its rows answer; undefined where one has no fields.
function ofRows(parts, columns) {
    const asked = (parts ?? []).map(({ negated, tree, text }) => {
        const made = tree && question(tree, columns);
        if (!made || !negated) return made && { ...made, text };
        return made.operator === 'yes' ? { ...made, operator: 'no', text: `NOT ${text}` } : undefined;
    });
    return asked.includes(undefined) ? undefined : asked;
}

function behaviour({ tree, rows, rowParts }, sources) {
    const node = tree.type === 'comparison' ? tree.left : tree;
    if (!['count', 'sum', 'last', 'did'].includes(node.type)) return undefined;
    const source = find(sources, node.source);
    if (!source || (node.type === 'did') !== (tree.type === 'did')) return undefined;
    const made = { kind: 'behaviour', function: node.type, source, window: 'none' };
    Object.assign(made, { rows, questions: ofRows(rowParts, source.columns) });
    if (node.column) made.column = find(source.columns, node.column);
    if (node.column && !made.column) return undefined;
    if (node.within) Object.assign(made, { window: 'within', interval: node.within });
    if (node.low) {
        const days = [node.low, node.high].map(each => constant(each, { type: 'day' }));
        if (days.includes(undefined)) return undefined;
        Object.assign(made, { window: 'between', days });
    }
    if (node.type === 'did') return made;
    const value = constant(tree.right, node.type === 'last' ? made.column : { type: 'number' });
    return value === undefined ? undefined : { ...made, operator: tree.operator, values: [value] };
}

/// The fields of a condition's tree; `{ kind: 'text' }` for what has none.
export function read(leaf, catalogue) {
    const { tree, text } = leaf;
    if (tree.type === 'call' && memberships[tree.function]) {
        const kind = memberships[tree.function];
        const choices = { list: catalogue.lists, product: catalogue.products, audience: catalogue.audiences }[kind];
        const name = tree.arguments.length === 1 && tree.arguments[0].type === 'text' ? tree.arguments[0].text : undefined;
        if (choices.some(choice => choice.value === name)) return { kind, values: [name], text };
    }
    return { ...(question(tree, catalogue.attributes) ?? behaviour(leaf, catalogue.sources) ?? { kind: 'text' }), text };
}

// MARK: To text

/// A value as a rule writes it; undefined for one that is missing or no number.
function written(value, field) {
    const text = (value ?? '').trim();
    if (text === '' && !(field.type === 'text' && value)) return undefined;
    if (field.type === 'number') return /^-?\d+(\.\d+)?$/.test(text) ? text : undefined;
    return field.type === 'day' ? `DATE '${text}'` : quoted(field.type === 'text' ? value : text);
}

const counted = interval => /^\d{1,7}$/.test(interval?.count ?? '') && Number(interval.count) <= 1_000_000;
const span = ({ count, unit }) => `INTERVAL ${Number(count)} ${unit.toUpperCase()}`;

function asked(leaf) {
    const { field, operator, values = [], interval } = leaf;
    const name = field.word;
    switch (operator) {
    case 'yes': return name;
    case 'no': return `NOT ${name}`;
    case 'null': return `${name} IS NULL`;
    case 'filled': return `${name} IS NOT NULL`;
    case 'last': return counted(interval) ? `${name} BETWEEN today - ${span(interval)} AND today` : undefined;
    case 'next': return counted(interval) ? `${name} BETWEEN today AND today + ${span(interval)}` : undefined;
    case 'ago': return counted(interval) ? `${name} < today - ${span(interval)}` : undefined;
    case 'since': return counted(interval) ? `${name} >= today - ${span(interval)}` : undefined;
    }
    const all = values.map(value => written(value, field));
    if (!all.length || all.includes(undefined)) return undefined;
    switch (operator) {
    case 'between': case 'notBetween':
        return all.length === 2 ? `${name} ${operator === 'between' ? '' : 'NOT '}BETWEEN ${all[0]} AND ${all[1]}` : undefined;
    case 'in': return `${name} IN (${all.join(', ')})`;
    case 'notIn': return `${name} NOT IN (${all.join(', ')})`;
    case 'contains': case 'begins': {
        const text = escaped(values[0]);
        const pattern = `${operator === 'contains' ? '%' : ''}${text}%`;
        return `${name} LIKE ${quoted(pattern)}${text === values[0] ? '' : " ESCAPE '!'"}`;
    }
    case 'like': return `${name} LIKE ${all[0]}`;
    case 'notLike': return `${name} NOT LIKE ${all[0]}`;
    default: return `${name} ${operator} ${all[0]}`;
    }
}

function did(leaf) {
    if (!leaf.source) return undefined;
    const parts = [leaf.source.word];
    if (['sum', 'last'].includes(leaf.function)) {
        if (!leaf.column) return undefined;
        parts.push(leaf.column.word);
    }
    const rows = leaf.questions?.map(asked) ?? [leaf.rows?.trim() ?? ''];
    if (rows.includes(undefined)) return undefined;
    if (rows.some(row => row)) parts.push(rows.join(' AND '));
    if (leaf.window === 'within') {
        if (!counted(leaf.interval)) return undefined;
        parts.push(`within ${Number(leaf.interval.count)} ${leaf.interval.unit}s`);
    }
    if (leaf.window === 'between') {
        const days = [0, 1].map(at => written(leaf.days?.[at], { type: 'day' }));
        if (days.includes(undefined)) return undefined;
        parts.push(`BETWEEN ${days[0]} AND ${days[1]}`);
    }
    const call = `${leaf.function}(${parts.join(', ')})`;
    if (leaf.function === 'did') return call;
    const value = written(leaf.values?.[0], leaf.function === 'last' ? leaf.column : { type: 'number' });
    return value === undefined ? undefined : `${call} ${leaf.operator} ${value}`;
}

/// The text that a condition's fields say; undefined while they are not complete.
export function write(leaf) {
    const [value] = leaf.values ?? [];
    switch (leaf.kind) {
    case 'attribute': return asked(leaf);
    case 'behaviour': return did(leaf);
    case 'list': return value ? `on_list(${quoted(value)})` : undefined;
    case 'product': return value ? `owns(${quoted(value)})` : undefined;
    case 'audience': return value ? `in_audience(${quoted(value)})` : undefined;
    // What somebody wrote stays inside its brackets as far as brackets go; the server reads it before it is taken over.
    case 'text': return leaf.raw === undefined ? leaf.text : leaf.raw.trim() ? `(${leaf.raw.trim()})` : undefined;
    default: return undefined;
    }
}

/// The text of a whole rule and, by condition, where it stands in it. Incomplete conditions are left out.
export function writeRule(root) {
    const places = new Map();
    let text = '';
    const put = node => {
        if (node.negated) text += 'NOT ';
        if (!node.parts) {
            const start = text.length;
            text += node.text;
            places.set(node, [start, text.length]);
            return;
        }
        const parts = node.parts.filter(says);
        const isBracketed = node !== root || node.negated;
        if (isBracketed) text += '(';
        parts.forEach((part, at) => {
            if (at) text += node.group === 'or' ? ' OR ' : ' AND ';
            put(part);
        });
        if (isBracketed) text += ')';
    };
    if (says(root)) put(root);
    return { text, places };
}

/// Whether anything below a node is complete.
const says = node => node.parts ? node.parts.some(says) : node.text !== undefined;
