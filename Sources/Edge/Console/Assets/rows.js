// Rows of a form that are put in order, added and removed; and dragging, which the builder of conditions shares.
// SPDX-License-Identifier: Apache-2.0

/// Lets what `items` selects be dragged by its handle; `drop` is told what was dropped on what, and whether behind it.
export function draggable(container, items, drop) {
    let dragged;
    const clear = () => container.querySelectorAll('.before, .after').forEach(each => each.classList.remove('before', 'after'));
    const half = (event, item) => {
        const box = item.getBoundingClientRect();
        return event.clientY > box.top + box.height / 2;
    };
    container.addEventListener('dragstart', event => {
        if (!event.target.closest?.('.handle')) return;
        dragged = event.target.closest(items);
        event.dataTransfer.effectAllowed = 'move';
        event.dataTransfer.setData('text/plain', '');
        event.dataTransfer.setDragImage(dragged, 8, 8);
    });
    container.addEventListener('dragover', event => {
        const item = event.target.closest(items);
        clear();
        if (!dragged || !item || item === dragged) return;
        event.preventDefault();
        item.classList.add(half(event, item) ? 'after' : 'before');
    });
    container.addEventListener('drop', event => {
        const item = event.target.closest(items);
        if (!dragged || !item || item === dragged) return;
        event.preventDefault();
        drop(dragged, item, half(event, item));
    });
    container.addEventListener('dragend', () => { dragged = undefined; clear(); });
}

/// Gives a list of rows its buttons: add, up, down, remove; a row that says nothing is not shown.
export function rows(list) {
    const words = list.dataset;
    const value = row => row.querySelector('select:last-of-type');
    const blank = list.lastElementChild.cloneNode(true);
    [...list.children].slice(1).filter(row => !value(row).value).forEach(row => row.remove());
    const isAlgebra = Boolean(list.querySelector('[name=sign]'));
    if (!isAlgebra && !value(list.firstElementChild).value) list.firstElementChild.remove();
    const said = document.createElement('p');
    said.className = 'hidden';
    said.setAttribute('aria-live', 'polite');

    const suit = () => {
        for (const [place, row] of [...list.children].entries()) {
            const sign = row.querySelector('[name=sign]');
            if (sign) sign.hidden = place === 0;
            const detail = row.querySelector('[name=detail]');
            if (detail) {
                const [kind] = value(row).value.split(':');
                const label = { contacted: words.days, rule: words.rule, filter: words.product }[kind];
                detail.hidden = !label;
                detail.type = kind === 'contacted' ? 'number' : 'text';
                if (kind === 'contacted') detail.min = 1;
                detail.required = Boolean(label);
                detail.placeholder = label ?? '';
                detail.setAttribute('aria-label', label ?? words.days);
                if (!label) detail.value = '';
            }
        }
    };
    const changed = () => {
        suit();
        list.dispatchEvent(new Event('change', { bubbles: true }));
    };
    const step = (row, by, focus) => {
        const next = by < 0 ? row.previousElementSibling : row.nextElementSibling;
        if (!next) return;
        by < 0 ? next.before(row) : next.after(row);
        focus.focus();
        changed();
        const place = [...list.children].indexOf(row) + 1;
        said.textContent = words.moved.replace('{0}', place).replace('{1}', list.children.length);
    };
    const button = (text, label, act) => {
        const made = document.createElement('button');
        Object.assign(made, { type: 'button', className: 'button small', textContent: text, title: label });
        if (text !== label) made.setAttribute('aria-label', label);
        made.addEventListener('click', () => act(made));
        return made;
    };
    const equip = row => {
        const handle = document.createElement('span');
        Object.assign(handle, { className: 'handle', draggable: true, title: words.drag, textContent: '⠿' });
        handle.setAttribute('aria-hidden', 'true');
        const acts = document.createElement('span');
        acts.className = 'acts';
        acts.append(
            button('↑', words.up, made => step(row, -1, made)), button('↓', words.down, made => step(row, 1, made)),
            button('×', words.remove, () => {
                const near = row.nextElementSibling ?? row.previousElementSibling;
                row.remove();
                (near ? value(near) : more).focus();
                changed();
            }));
        row.prepend(handle);
        row.append(acts);
    };
    [...list.children].forEach(equip);
    const more = button(`+ ${words.add}`, words.add, () => {
        const row = blank.cloneNode(true);
        equip(row);
        list.append(row);
        suit();
        value(row).focus();
    });
    more.removeAttribute('title');
    list.after(more, said);
    // The order in which members are usually taken away: what is there already keeps its details and comes in this order too.
    if (words.standard) more.after(button(words.standardLabel, words.standardLabel, made => {
        const usual = words.standard.split(',').map(wanted => {
            const known = [...list.children].find(row => value(row).value === wanted);
            if (known) return known;
            const row = blank.cloneNode(true);
            value(row).value = wanted;
            if (wanted === 'contacted:') row.querySelector('[name=detail]').value = 90;
            equip(row);
            return row;
        });
        list.prepend(...usual);
        made.blur();
        changed();
        (usual.at(-1).querySelector('[name=detail]') ?? value(usual.at(-1))).focus();
    }));
    suit();
    list.addEventListener('change', suit);
    list.addEventListener('keydown', event => {
        const row = event.target.closest('li');
        if (!row || !event.altKey || !['ArrowUp', 'ArrowDown'].includes(event.key)) return;
        event.preventDefault();
        step(row, event.key === 'ArrowUp' ? -1 : 1, event.target);
    });
    draggable(list, 'li', (from, to, isAfter) => { isAfter ? to.after(from) : to.before(from); changed(); });
}
