// Charts by Apache ECharts: the numbers come with the page, and so does the table behind.
// SPDX-License-Identifier: Apache-2.0

import * as echarts from '/assets/echarts.esm.min.js';

const ink = '#1f2329';
const soft = '#4e5969';
const blue = '#0958d9';
const steps = ['#0958d9', '#2f73e0', '#5590e8', '#7badef', '#a0c6f5', '#c0daf9'];
const text = { fontFamily: 'inherit', color: ink };
const tooltip = { renderMode: 'richText', trigger: 'item', formatter: item => `${item.name}  ${item.data.label}` };

function funnel(items, width) {
    const most = Math.max(1, ...items.map(item => item.value));
    const longest = Math.max(...items.map(item => item.label.length));
    return {
        tooltip,
        grid: { left: 8, right: Math.max(56, 16 + longest * 7), top: 8, bottom: 8, containLabel: true },
        xAxis: { type: 'value', show: false, max: most },
        yAxis: {
            type: 'category', inverse: true, data: items.map(item => item.name), axisTick: { show: false },
            axisLine: { show: false },
            axisLabel: { ...text, width: Math.max(90, width * 0.4), overflow: 'truncate' },
        },
        series: [{
            type: 'bar', barWidth: '62%',
            data: items.map((item, at) => ({ ...plain(item), itemStyle: { color: steps[at % steps.length], borderRadius: 4 } })),
            label: { show: true, position: 'right', formatter: item => item.data.label, ...text },
        }],
    };
}

function bars(items, width) {
    const chart = funnel(items, width);
    chart.series[0].data = items.map(item => ({ ...plain(item), itemStyle: { color: blue, borderRadius: 3 } }));
    chart.series[0].barWidth = undefined;
    chart.series[0].barMaxWidth = 18;
    return chart;
}

// Two shares as points with whiskers.
function lift(items) {
    return {
        tooltip,
        grid: { left: 8, right: 40, top: 24, bottom: 8, containLabel: true },
        xAxis: {
            type: 'value', min: 0,
            axisLabel: { ...text, color: soft, formatter: '{value}%' }, splitLine: { lineStyle: { color: '#e1e4ea' } },
        },
        yAxis: {
            type: 'category', inverse: true, data: items.map(item => item.name), axisLabel: text,
            axisTick: { show: false },
        },
        series: [{
            type: 'custom',
            encode: { x: [0, 2], y: 1 },
            data: items.map((item, at) => ({ ...plain(item), value: [item.low, at, item.high] })),
            renderItem: (_, api) => {
                const low = api.coord([api.value(0), api.value(1)]);
                const high = api.coord([api.value(2), api.value(1)]);
                const style = { stroke: blue, lineWidth: 2, fill: 'none' };
                const line = (x1, y1, x2, y2) => ({ type: 'line', shape: { x1, y1, x2, y2 }, style });
                return {
                    type: 'group',
                    children: [
                        line(low[0], low[1], high[0], high[1]),
                        line(low[0], low[1] - 8, low[0], low[1] + 8),
                        line(high[0], high[1] - 8, high[0], high[1] + 8),
                    ],
                };
            },
        }, {
            type: 'scatter', symbolSize: 12, itemStyle: { color: blue },
            data: items.map((item, at) => ({ ...plain(item), value: [item.value, at] })),
            label: { show: true, position: 'top', formatter: item => item.data.label, ...text, fontWeight: 600 },
        }],
    };
}

// Series over months: bars when there is one, else lines.
function trend(items, width, chart) {
    const names = [...new Set(items.map(item => item.series))];
    const marks = ['circle', 'rect', 'triangle', 'diamond', 'emptyCircle', 'emptyRect', 'emptyTriangle', 'emptyDiamond'];
    return {
        tooltip: { ...tooltip, formatter: item => `${item.name}  ${item.seriesName}  ${item.data?.label ?? ''} ${chart.unit}` },
        legend: names.length > 1 ? { type: 'scroll', bottom: 0, itemGap: 18, textStyle: { color: ink, fontFamily: 'sans-serif' } } : undefined,
        grid: { left: 8, right: 16, top: 32, bottom: names.length > 1 ? 36 : 8, containLabel: true },
        xAxis: { type: 'category', data: chart.places, axisLabel: { ...text, color: soft } },
        yAxis: {
            type: 'value', name: chart.unit, nameTextStyle: { ...text, color: soft, align: 'left' },
            axisLabel: { ...text, color: soft }, splitLine: { lineStyle: { color: '#e1e4ea' } },
        },
        series: names.map((name, at) => ({
            name, type: names.length > 1 ? 'line' : 'bar', barMaxWidth: 28, symbol: marks[at % marks.length], symbolSize: 7,
            itemStyle: names.length > 1 ? undefined : { color: blue, borderRadius: 3 },
            data: chart.places.map(place => {
                const item = items.find(item => item.series === name && item.name === place);
                return item ? plain(item) : null;
            }),
        })),
    };
}

// Bars side by side over values; the last series, what is compared with, is grey.
function shares(items, width, chart) {
    const option = trend(items, width, chart);
    option.series = option.series.map((series, at) => ({
        ...series, type: 'bar', barMaxWidth: 22, barGap: '10%',
        itemStyle: { color: at === 0 ? blue : '#a3afc2', borderRadius: [3, 3, 0, 0] },
    }));
    option.xAxis.axisLabel = { ...option.xAxis.axisLabel, hideOverlap: true, width: 96, overflow: 'truncate' };
    return option;
}

function plain(item) {
    return { name: item.name, value: item.value, label: item.label };
}

/** Draws every chart among the elements. */
export function draw(elements) {
    for (const element of elements) {
        const chart = JSON.parse(element.dataset.chart);
        const view = echarts.init(element, null, { renderer: 'svg' });
        new ResizeObserver(() => {
            const option = { funnel, bars, lift, trend, shares }[chart.kind](chart.items, element.clientWidth, chart);
            view.resize();
            view.setOption({ animation: false, textStyle: text, ...option });
        }).observe(element);
    }
}
